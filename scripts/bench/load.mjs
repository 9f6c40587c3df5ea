// Sends one request over and over on a fixed number of connections, for a fixed time, and tells how many were answered
// and how long they took. By `wrk` where it is installed: it leaves more of a small machine to the server.
// A server is found at a loopback address only.

import { writeFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { join } from "node:path";

import { runQuietly } from "../children.mjs";

export const CONNECTIONS = 12;

// wrk's own summary rounds; this prints what it knows. Times are in microseconds.
const WRK_REPORT = `
function done(summary, latency)
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
`;

/** The generator of this machine: `{ name, run }`. */
export async function findGenerator(folder) {
  const script = join(folder, "wrk-report.lua");
  writeFileSync(script, WRK_REPORT);
  const found = await runQuietly("wrk", ["--version"]).catch(() => undefined);
  const version = found?.stdout.match(/wrk (?:debian\/)?([\d.]+)/)?.[1];
  if (version) return { name: `wrk ${version}`, run: (request, seconds) => runWrk(script, request, seconds) };
  return { name: `Node.js ${process.version}`, run: runNode };
}

async function runWrk(script, { url, headers }, seconds) {
  const lines = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const { stdout, stderr } = await runQuietly("wrk", [
    ...["-t", "1", "-c", String(CONNECTIONS), "-d", `${seconds}s`, "--timeout", "10s", "-s", script],
    ...lines,
    assertLoopback(url),
  ]);
  const found = stdout.match(/^RESULT (\d+) (\d+) (\d+) (\d+) (\d+)$/m);
  if (!found) throw new Error(`wrk failed for ${url}: ${stdout}${stderr}`);
  const [requests, duration, p50, p99, errors] = found.slice(1).map(Number);
  return { rate: requests / (duration / 1e6), p50: p50 / 1000, p99: p99 / 1000, errors };
}

async function runNode({ url, headers }, seconds) {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const began = performance.now();
  const end = began + seconds * 1000;
  const times = [];
  let errors = 0;
  const connection = async () => {
    while (performance.now() < end) {
      const sent = performance.now();
      await new Promise((resolve) => {
        get(assertLoopback(url), { agent, headers }, (response) => {
          response.resume();
          response.once("close", resolve);
        }).once("error", () => {
          errors += 1;
          resolve();
        });
      });
      times.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  const duration = (performance.now() - began) / 1000;
  agent.destroy();
  times.sort((left, right) => left - right);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  return { rate: times.length / duration, p50: at(0.5), p99: at(0.99), errors };
}

function assertLoopback(url) {
  const { hostname } = new URL(url);
  if (hostname !== "127.0.0.1") throw new Error(`${url} is not on this machine`);
  return url;
}
