// Waiting in tests: a condition is asked for again and again until it holds or the deadline has passed. Nothing sleeps "long enough".
// The pauses grow: dozens of tests wait side by side, and what they ask takes the time of the work that they wait for.
import { setTimeout as pause } from "node:timers/promises";

/**
 * Calls `probe` until it returns something truthy and returns that.
 * `describe` may be a text or a function; a function is asked when the deadline has passed, so that it can tell the last state seen.
 */
export async function until(describe, probe, { deadline = 60_000, interval = 100, longest = 1000 } = {}) {
  const end = Date.now() + deadline;
  for (let wait = interval; ; wait = Math.min(wait * 1.4, Math.max(interval, longest))) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > end) {
      const what = typeof describe === "function" ? describe() : describe;
      throw new Error(`not within ${deadline / 1000} s: ${what}`);
    }
    await pause(wait);
  }
}
