// Waiting in tests: a condition is asked for again and again until it holds or the deadline has passed. Nothing sleeps "long enough".
import { setTimeout as pause } from "node:timers/promises";

/**
 * Calls `probe` until it returns something truthy and returns that.
 * `describe` may be a text or a function; a function is asked when the deadline has passed, so that it can tell the last state seen.
 */
export async function until(describe, probe, { deadline = 60_000, interval = 100 } = {}) {
  const end = Date.now() + deadline;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > end) {
      const what = typeof describe === "function" ? describe() : describe;
      throw new Error(`not within ${deadline / 1000} s: ${what}`);
    }
    await pause(interval);
  }
}
