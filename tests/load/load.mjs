// `npm run load -- --seconds 300 --connections 600`: the long form of `load.test.mjs`. Prints latencies, which nothing asserts:
// they are those of this machine, which plays the clients, the git host and the registry at once.
import { parseArgs } from "node:util";
import { play } from "./scene.mjs";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "120" }, connections: { type: "string", default: "600" } },
});
const { errors, torn, missing, rounds, published, report } = await play({
  seconds: Number(values.seconds),
  connections: Number(values.connections),
});
console.table(report);
console.log(`${published} versions published, all read in ${rounds} rounds`);
for (const [what, list] of Object.entries({ errors, "torn reads": torn, missing })) {
  console.log(`${list.length} ${what}`);
  for (const one of list.slice(0, 10)) console.log(`  ${one}`);
}
process.exit(errors.length + torn.length + missing.length > 0 ? 1 : 0);
