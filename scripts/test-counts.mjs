// Reads how many tests passed and failed from what cargo and Node.js print.

const CARGO = /^test result: \w+\. (?<passed>\d+) passed; (?<failed>\d+) failed; (?<skipped>\d+) ignored;/;
// A cancelled test is one that did not get to its end.
const NODE = { pass: "passed", fail: "failed", cancelled: "failed", skipped: "skipped" };
const NODE_LINE = /^(?:ℹ|#) (?<what>pass|fail|cancelled|skipped) (?<count>\d+)$/;

/** Adds up the closing lines of all test runs in `output`. */
export function countTests(output) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const colored of output.split("\n")) {
    const line = colored.replace(/\u001b\[[0-9;]*m/g, "").trim();
    const cargo = CARGO.exec(line);
    if (cargo) for (const [what, count] of Object.entries(cargo.groups)) counts[what] += Number(count);
    const node = NODE_LINE.exec(line);
    if (node) counts[NODE[node.groups.what]] += Number(node.groups.count);
  }
  return counts;
}
