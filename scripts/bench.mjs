// `npm run bench`: how fast the registry answers, next to the smallest Workers in the same workerd and next to nginx.
// It measures and asserts nothing. It has an instance of its own in a temporary folder, talks to loopback addresses
// only, and ends by itself after some minutes.
//
//   npm run bench               what Composer asks for
//   npm run bench -- sync       how much is asked of git hosts, and how fast plain git is taken in, beside git itself
//   npm run bench -- scale      repositories of 5, 5,000 and 50,000 packages side by side, and large publishes
//   npm run bench -- composer   Composer itself, beside the same documents as files of nginx
//   npm run bench -- inline     Composer on files: all versions in packages.json, or in a document for each package
//
// Each prints its tables, and with
//
//   --write    also puts them into docs/performance.md, and charts beside it
//   --quick    takes one short round, to see that it works

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { endChildrenOnSignals, runVisibly } from "./children.mjs";
import { installNodeModules } from "./install.mjs";
import { projectFolder } from "./paths.mjs";
import { measureAnswers } from "./bench/answers.mjs";
import { drawRatios } from "./bench/chart.mjs";
import { measureComposer } from "./bench/composer.mjs";
import { measureInline } from "./bench/inline.mjs";
import { describeMachine } from "./bench/machine.mjs";
import { placeOf, writeBetweenMarkers } from "./bench/report.mjs";
import { measureScale } from "./bench/scale.mjs";
import { measureSync } from "./bench/sync.mjs";

// What each measures; `title` is that of its chart, where it has one.
const MODES = {
  answers: { measure: measureAnswers, title: "Requests a second, as a share of the smallest JS Worker's" },
  sync: { measure: measureSync },
  scale: { measure: measureScale, title: "Time with 50,000 packages, as a multiple of that with five" },
  composer: { measure: measureComposer, title: "Time of composer update, as a multiple of that from files of nginx" },
  inline: { measure: measureInline },
};

const words = process.argv.slice(2);
const mode = words.find((word) => !word.startsWith("--")) ?? "answers";
if (!Object.hasOwn(MODES, mode)) {
  console.error(`bench: there is no \`${mode}\`; there are ${Object.keys(MODES).join(", ")}`);
  process.exit(2);
}

await installNodeModules();
if ((await runVisibly(join(projectFolder, "build-worker"), [], { cwd: projectFolder })) !== 0) process.exit(1);

const folder = mkdtempSync(join(tmpdir(), "repertoire-bench-"));
const remove = () => rmSync(folder, { recursive: true, force: true });
endChildrenOnSignals(() => {
  remove();
  return 130;
});
try {
  const { measure, title } = MODES[mode];
  const isQuick = words.includes("--quick");
  const { text, bars } = await measure({ folder, isQuick });
  const warning = isQuick ? " One short round, to see that it works: these figures say nothing." : "";
  const whole = `${await describeMachine()}.${warning}\n\n${text}`;
  console.log(`\n${whole}`);
  if (words.includes("--write")) {
    const docs = join(projectFolder, "docs");
    const chart = `performance-${mode}.svg`;
    writeBetweenMarkers(join(docs, "performance.md"), placeOf(mode), bars ? `![${title}](${chart})\n\n${whole}` : whole);
    if (bars) writeFileSync(join(docs, chart), drawRatios(isQuick ? `${title} (one short round: says nothing)` : title, bars));
  }
} finally {
  remove();
}
