// The command palette: Cmd-K or Ctrl-K. It offers the places of the navigation, what the page has to do, and packages by
// their names. All of it is on the pages too; without a script the field beside the navigation leads to the list.

const finder = document.querySelector("[data-find]");
const words = (element) => element.textContent.replace(/\s+/g, " ").trim();
const make = (name, properties, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};

// What is offered before anything is typed, in the order of the page: places first, then what can be done here.
const offer = (selector, kind) =>
  [...document.querySelectorAll(selector)].map((element) => ({ label: words(element), kind, run: () => element.click() }));
const offered = [
  ...offer(".nav a", "Go to"),
  ...offer(".head .actions a, .head .actions button, .tabs a:not([aria-current])", "Here"),
  ...offer(".switch li a:not([aria-current])", "Organisation"),
  ...offer(".side-end > a", "Go to"),
  ...offer("form.theme button", "Theme"),
].filter((one) => one.label);

const input = make("input", { type: "text", className: "palette-input", placeholder: "Go to, do, or find a package", autocomplete: "off", spellcheck: false });
const list = make("ul", { id: "palette-list", className: "palette-list" });
const none = make("p", { className: "palette-none muted", textContent: "Nothing fits" });
const dialog = make("dialog", { className: "palette" }, input, list, none);
for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list", "aria-label": "Command or package" })) input.setAttribute(name, value);
list.setAttribute("role", "listbox");
list.setAttribute("aria-label", "What fits");
none.setAttribute("role", "status");
dialog.setAttribute("aria-label", "Command palette");
document.body.append(dialog);

let shown = [];
let at = 0;
let found = [];
let before = null;
let timer = 0;
let asking = null;

function choose(index) {
  at = shown.length ? (index + shown.length) % shown.length : 0;
  [...list.children].forEach((row, place) => {
    row.setAttribute("aria-selected", String(place === at));
    if (place === at) row.scrollIntoView({ block: "nearest" });
  });
  if (shown.length) input.setAttribute("aria-activedescendant", `palette-${at}`);
  else input.removeAttribute("aria-activedescendant");
}

function show() {
  const typed = input.value.trim().toLowerCase();
  const fits = (one) => typed.split(/\s+/).every((word) => one.label.toLowerCase().includes(word));
  shown = [...offered.filter(fits), ...found];
  list.replaceChildren(
    ...shown.map((one, index) => {
      const row = make("li", { id: `palette-${index}` }, make("span", { textContent: one.label }), make("span", { className: "muted small", textContent: one.kind }));
      row.setAttribute("role", "option");
      row.addEventListener("click", () => run(index));
      return row;
    }),
  );
  none.hidden = shown.length > 0;
  list.hidden = !none.hidden;
  input.setAttribute("aria-expanded", String(none.hidden));
  choose(0);
}

function run(index) {
  const one = shown[index];
  if (!one) return;
  dialog.close();
  one.run();
}

async function find() {
  asking?.abort();
  const typed = input.value.trim();
  found = [];
  if (!finder || typed.length < 2) return show();
  asking = new AbortController();
  try {
    const answer = await fetch(`${finder.dataset.find}?search=${encodeURIComponent(typed)}`, { signal: asking.signal });
    if (!answer.ok || answer.redirected) return;
    const { packages } = await answer.json();
    found = packages.map((one) => ({ label: one.name, kind: one.description || "Package", run: () => location.assign(one.href) }));
    show();
  } catch (error) {
    if (error.name !== "AbortError") show();
  }
}

input.addEventListener("input", () => {
  found = [];
  show();
  clearTimeout(timer);
  timer = setTimeout(find, 150);
});
input.addEventListener("keydown", (event) => {
  const moves = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: Math.min(at + 8, shown.length - 1), PageUp: Math.max(at - 8, 0) };
  if (event.key in moves) choose(moves[event.key]);
  else if (event.key === "Enter" && !event.isComposing) run(at);
  else return;
  event.preventDefault();
});
// Escape closes a dialog by itself, and a click beside it does here.
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
dialog.addEventListener("close", () => {
  clearTimeout(timer);
  asking?.abort();
  before?.focus();
});

function open() {
  if (document.querySelector("dialog[open]")) return;
  before = document.activeElement;
  input.value = "";
  found = [];
  dialog.showModal();
  show();
  input.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "k" || !(event.metaKey || event.ctrlKey) || event.altKey || event.shiftKey) return;
  event.preventDefault();
  if (dialog.open) dialog.close();
  else open();
});

// A button says that there is such a thing, for hands without those keys.
if (finder) {
  const keys = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘K" : "Ctrl K";
  const button = make("button", { type: "button", className: "button small quiet", textContent: keys });
  button.setAttribute("aria-label", "Open the command palette");
  button.addEventListener("click", open);
  finder.append(button);
}
