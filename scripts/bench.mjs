// `npm run bench`: how fast the registry answers, next to the smallest Workers in the same workerd and next to nginx.
// It measures and asserts nothing. It has an instance of its own in a temporary folder, talks to loopback addresses
// only, and ends by itself: after half an hour, or after some minutes where one measurement is named.
//
//   npm run bench               answers, composer and scale, and at the end all their ratios in one table
//   npm run bench -- answers    what Composer asks for
//   npm run bench -- sync       how much is asked of git hosts, and how fast plain git is taken in, beside git itself
//   npm run bench -- scale      repositories of 5, 5,000 and 50,000 packages side by side, and large publishes
//   npm run bench -- composer   Composer itself, beside the same documents as files of nginx
//   npm run bench -- inline     Composer on files: all versions in packages.json, or in a document for each package
//   npm run bench -- profile    what the time of a request goes into, function by function
//
// Each prints its tables, and with
//
//   --write    also puts them into docs/performance.md, and charts and the ratios as JSON beside it
//   --quick    takes one short round, to see that it works
//   --rows=304 of the answers takes those rows alone that have this in their title; their ratios are written, not their table

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
import { measureProfile } from "./bench/profile.mjs";
import { placeOf, ratioTable, writeBetweenMarkers } from "./bench/report.mjs";
import { measureScale } from "./bench/scale.mjs";
import { measureSync } from "./bench/sync.mjs";

// What each measures; `title` is that of its chart, where it has one.
const MODES = {
  answers: { measure: measureAnswers, title: "Requests a second, as a share of the smallest JS Worker's" },
  sync: { measure: measureSync },
  scale: { measure: measureScale, title: "Time with 50,000 packages, as a multiple of that with five" },
  composer: { measure: measureComposer, title: "Time of composer update, as a multiple of that from files of nginx" },
  inline: { measure: measureInline },
  profile: { measure: measureProfile },
};
const docs = join(projectFolder, "docs");

/** What is measured where nothing is named: all that has targets. */
const WITH_TARGETS = ["answers", "composer", "scale"];

const words = process.argv.slice(2);
const [isQuick, isWritten] = ["--quick", "--write"].map((word) => words.includes(word));
const part = words.find((word) => word.startsWith("--rows="))?.slice("--rows=".length);
const named = words.find((word) => !word.startsWith("--"));
if (named !== undefined && !Object.hasOwn(MODES, named)) {
  console.error(`bench: there is no \`${named}\`; there are ${Object.keys(MODES).join(", ")}`);
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
  const ratios = {};
  for (const mode of named ? [named] : WITH_TARGETS) ratios[mode] = await run(mode);
  if (!named) console.log(`\n${ratioTable(ratios)}`);
} finally {
  remove();
}

/** Measures and prints, and writes where that is wanted. Returns the ratios, where there are some. */
async function run(mode) {
  const { measure, title } = MODES[mode];
  const place = join(folder, mode);
  mkdirSync(place);
  const { text, bars } = await measure({ folder: place, isQuick, part });
  const warning = isQuick ? " One short round, to see that it works: these figures say nothing." : "";
  const whole = `${await describeMachine()}.${warning}\n\n${text}`;
  console.log(`\n${whole}`);
  if (isWritten && mode !== "profile" && part === undefined) write(mode, bars ? `![${title}](performance-${mode}.svg)\n\n${whole}` : whole);
  if (isWritten && bars) {
    const written = join(docs, "performance.json");
    const all = JSON.parse(readFileSync(written, "utf8"));
    // Of a part those of the others stay.
    all[mode] = part === undefined ? bars : all[mode].map((known) => bars.find((bar) => bar.title === known.title) ?? known);
    writeFileSync(join(docs, `performance-${mode}.svg`), drawRatios(isQuick ? `${title} (one short round: says nothing)` : title, all[mode]));
    writeFileSync(written, `${JSON.stringify(all, undefined, 1)}\n`);
    write("all", ratioTable(all));
  }
  return bars;
}

function write(place, text) {
  writeBetweenMarkers(join(docs, "performance.md"), placeOf(place), text);
}
