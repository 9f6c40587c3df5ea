// Ratios as bars: an SVG that is readable on light and on dark pages.

const WIDTH = 900;
const LABELS = 400;
const FIGURES = 60;
const ROW = 26;
const BAR = 14;
const TOP = 64;

/** `bars` are `{ title, ratio, target, atLeast }`, the last two being numbers where there are such: what it is to be at most, or at least. The line is where both are equal. */
export function drawRatios(title, bars) {
  const room = WIDTH - LABELS - FIGURES;
  const most = Math.max(1, ...bars.flatMap(({ ratio, target }) => [ratio, target ?? 0])) * 1.05;
  const x = (ratio) => LABELS + (ratio / most) * room;
  const height = TOP + bars.length * ROW + 12;
  const rows = bars.map(({ title: label, ratio, target: limit, atLeast }, index) => {
    const target = limit ?? atLeast;
    const middle = TOP + index * ROW + ROW / 2;
    const isMissed = (limit !== undefined && ratio > limit) || (atLeast !== undefined && ratio < atLeast);
    return [
      `<text x="${LABELS - 10}" y="${middle + 4}" text-anchor="end">${escape(label)}</text>`,
      `<rect class="${isMissed ? "missed" : "bar"}" x="${LABELS}" y="${middle - BAR / 2}" width="${(x(ratio) - LABELS).toFixed(1)}" height="${BAR}" rx="2"/>`,
      target === undefined ? "" : line("target", x(target), middle - BAR / 2 - 3, middle + BAR / 2 + 3),
      `<text class="figure" x="${(x(Math.max(ratio, target ?? 0)) + 6).toFixed(1)}" y="${middle + 4}">${ratio.toFixed(2)}</text>`,
    ].join("");
  });
  const hasTargets = bars.some(({ target, atLeast }) => target !== undefined || atLeast !== undefined);
  const legend = hasTargets ? "dashed: equal; short lines: target" : "dashed: equal";
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(title)}">
<style>
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-weight: 600; font-size: 15px; }
  .figure, .legend { fill: #57606a; }
  .bar { fill: #2f6fb5; }
  .missed { fill: #c4632a; }
  .equal { stroke: #57606a; stroke-dasharray: 4 3; }
  .target { stroke: #24292f; stroke-width: 2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .figure, .legend { fill: #9da7b3; }
    .bar { fill: #6cb0f5; }
    .missed { fill: #f0955a; }
    .equal { stroke: #9da7b3; }
    .target { stroke: #e6edf3; }
  }
</style>
<text class="title" x="10" y="24">${escape(title)}</text>
<text class="legend" x="10" y="44">${legend}</text>
${line("equal", x(1), TOP - 6, height - 6)}
${rows.join("\n")}
</svg>
`;
}

function line(name, x, from, to) {
  return `<line class="${name}" x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${from}" y2="${to}"/>`;
}

function escape(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
