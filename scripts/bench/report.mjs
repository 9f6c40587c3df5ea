// Figures as a Markdown table, and their place in docs/performance.md.

import { readFileSync, writeFileSync } from "node:fs";

/** The place of the figures of a mode in the document, between two markers of its own; that of `all` is the table of all ratios. */
export function placeOf(mode) {
  if (mode === "all") return { begin: "<!-- ratios: written by `npm run bench -- --write`, whatever is measured -->", end: "<!-- end of ratios -->" };
  return { begin: `<!-- figures: written by \`npm run bench -- ${mode} --write\` -->`, end: `<!-- end of figures of ${mode} -->` };
}

const MEASURED = {
  answers: "requests a second, beside the smallest JS Worker",
  composer: "time of `composer update`, beside files of nginx",
  scale: "time with 50,000 packages, beside that with five",
};

/** All ratios in one table. `ratios` are by mode, as charts take them. */
export function ratioTable(ratios) {
  const rows = Object.keys(MEASURED).flatMap((mode) =>
    (ratios[mode] ?? []).map(({ title, ratio, target, atLeast }) => {
      const isMissed = (target !== undefined && ratio > target) || (atLeast !== undefined && ratio < atLeast);
      const wanted = target !== undefined ? `at most ${target}` : atLeast !== undefined ? `at least ${atLeast}` : "–";
      return [MEASURED[mode], title, `**${ratio.toFixed(2)}**`, wanted, isMissed ? "missed" : ""];
    }),
  );
  return table(["measured", "of what", "**ratio**", "target", ""], rows);
}

/**
 * `rows` are `{ title, candidates: { registry, javascript, nginx }, operations, target }`, a candidate being the list of what
 * each round measured. Medians of rounds; a ratio is the median of the rounds' ratios, because the two sides of
 * a round met the same noise.
 */
export function rateTable(rows) {
  return table(
    ["request", "registry, requests/s", "smallest JS Worker", "nginx", "**ratio to JS**", "ratio to nginx", "p50 ratio to JS", "p99 ratio to JS", "p50, p99 ms", "target", "warm request"],
    rows.map(({ title, candidates: { registry, javascript, nginx }, operations, target }) => [
      title,
      count(median(registry.map(({ rate }) => rate))),
      count(median(javascript.map(({ rate }) => rate))),
      nginx ? count(median(nginx.map(({ rate }) => rate))) : "–",
      `**${ratio(registry, javascript, "rate")}**`,
      nginx ? ratio(registry, nginx, "rate") : "–",
      ratio(registry, javascript, "p50"),
      ratio(registry, javascript, "p99"),
      `${median(registry.map(({ p50 }) => p50)).toFixed(1)}, ${median(registry.map(({ p99 }) => p99)).toFixed(1)}`,
      describeTarget(target),
      operations,
    ]),
  );
}

function describeTarget({ atLeast, p99 } = {}) {
  return [atLeast && `ratio at least ${atLeast}`, p99 && `p99 ratio at most ${p99}`].filter(Boolean).join(", ") || "–";
}

export function table(head, rows) {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Replaces the figures at one place (`placeOf`) of the document at `path`, and keeps all else. */
export function writeBetweenMarkers(path, place, text) {
  const document = readFileSync(path, "utf8");
  const begin = document.indexOf(place.begin);
  const end = document.indexOf(place.end);
  if (begin < 0 || end < begin) throw new Error(`${path} lacks the markers of the figures`);
  writeFileSync(path, `${document.slice(0, begin + place.begin.length)}\n\n${text}\n\n${document.slice(end)}`);
}

export function median(values) {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** `12,345`, or with one decimal where that says something. */
export function count(value) {
  return value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString("en-GB");
}

function ratio(left, right, field) {
  return medianRatio(left, right, field).toFixed(2);
}

/** The median of the rounds' ratios of one figure. */
export function medianRatio(left, right, field) {
  return median(left.map((figures, round) => figures[field] / right[round][field]));
}
