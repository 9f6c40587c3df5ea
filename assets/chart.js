// Tooltips of charts: what each colour came to under the pointer, or under the arrow keys. Without a script the browser shows
// the titles that the charts have, and there is the table.

for (const box of document.querySelectorAll("[data-chart]")) {
  const svg = box.querySelector("svg");
  const room = box.querySelector(".chart-room");
  const hits = [...svg.querySelectorAll(".chart-hit")];
  const sets = [...box.querySelectorAll(".chart-legend li")].map((line) => ({
    class: line.className,
    name: line.querySelector(".break").textContent,
  }));
  if (hits.length === 0) continue;
  const tip = document.createElement("div");
  tip.className = "chart-tip";
  tip.setAttribute("role", "status");
  tip.hidden = true;
  room.append(tip);
  for (const hit of hits) {
    const title = hit.querySelector("title");
    hit.dataset.label = title.textContent.split(": ")[0];
    title.remove();
  }

  const line = (kind, name, value) => {
    const row = document.createElement("div");
    row.className = kind;
    const texts = [name, value].map((text) => Object.assign(document.createElement("span"), { textContent: text }));
    texts[0].className = "chart-name";
    if (kind) {
      const swatch = document.createElement("span");
      swatch.className = "chart-swatch";
      row.append(swatch);
    }
    row.append(...texts);
    return row;
  };
  let at = -1;
  const show = (next) => {
    hits[at]?.classList.remove("shown");
    at = next;
    const hit = hits[at];
    tip.hidden = !hit;
    if (!hit) return;
    hit.classList.add("shown");
    const values = hit.dataset.values.split(",").map(Number);
    const sum = values.reduce((all, value) => all + value, 0);
    const rows = sets.map((set, place) => [set, values[place]]).filter(([, value]) => value > 0);
    tip.replaceChildren(line("", hit.dataset.label, `${sum.toLocaleString()} ${box.dataset.unit}`));
    if (sets.length > 1) tip.append(...rows.reverse().map(([set, value]) => line(set.class, set.name, value.toLocaleString())));
    const [inner, outer] = [hit.getBoundingClientRect(), room.getBoundingClientRect()];
    const left = inner.left - outer.left + room.scrollLeft;
    const isRight = left > room.scrollWidth / 2;
    tip.style.left = isRight ? "" : `${left + inner.width + 8}px`;
    tip.style.right = isRight ? `${room.clientWidth - left + 8}px` : "";
  };
  svg.addEventListener("pointermove", (event) => show(hits.indexOf(event.target)));
  svg.addEventListener("pointerleave", () => show(-1));
  svg.tabIndex = 0;
  svg.addEventListener("blur", () => show(-1));
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") show(-1);
    if (!step) return;
    event.preventDefault();
    show(at < 0 ? hits.length - 1 : Math.min(Math.max(at + step, 0), hits.length - 1));
  });
}
