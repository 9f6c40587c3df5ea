// Sends one request over and over on a fixed number of connections, for a fixed time, and tells how many were answered
// and how long they took. By `wrk` where it is installed: it leaves more of a small machine to the server.
// A server is found at a loopback address only.
//
// A request is `{ url, headers }`, or `{ urls, headers }` for several addresses of one server, which are asked for in turn;
// `connections` is how many there are.

import { writeFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { join } from "node:path";

import { runQuietly } from "../children.mjs";

export const CONNECTIONS = 12;

// wrk's own summary rounds; this prints what it knows. Times are in microseconds.
const WRK_REPORT = `
local paths = {}
local turn = 0

function init(given)
  for line in io.lines(given[1]) do paths[#paths + 1] = line end
end

function request()
  turn = turn % #paths + 1
  return wrk.format(nil, paths[turn])
end

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
  const paths = join(folder, "wrk-paths");
  if (version) return { name: `wrk ${version}`, run: (request, seconds) => runWrk(script, paths, request, seconds) };
  return { name: `Node.js ${process.version}`, run: runNode };
}

async function runWrk(script, paths, { url, urls = [url], headers, connections = CONNECTIONS }, seconds) {
  const lines = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  writeFileSync(paths, urls.map((one) => `${new URL(one).pathname}${new URL(one).search}\n`).join(""));
  const { stdout, stderr } = await runQuietly("wrk", [
    ...["-t", "1", "-c", String(connections), "-d", `${seconds}s`, "--timeout", "10s", "-s", script],
    ...lines,
    assertLoopback(urls[0]),
    "--",
    paths,
  ]);
  const found = stdout.match(/^RESULT (\d+) (\d+) (\d+) (\d+) (\d+)$/m);
  if (!found) throw new Error(`wrk failed for ${urls[0]}: ${stdout}${stderr}`);
  const [requests, duration, p50, p99, errors] = found.slice(1).map(Number);
  return { rate: requests / (duration / 1e6), p50: p50 / 1000, p99: p99 / 1000, errors };
}

async function runNode({ url, urls = [url], headers, connections = CONNECTIONS }, seconds) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  let turn = 0;
  const began = performance.now();
  const end = began + seconds * 1000;
  const times = [];
  let errors = 0;
  const connection = async () => {
    while (performance.now() < end) {
      const sent = performance.now();
      await new Promise((resolve) => {
        get(assertLoopback(urls[(turn += 1) % urls.length]), { agent, headers }, (response) => {
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
  await Promise.all(Array.from({ length: connections }, connection));
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
