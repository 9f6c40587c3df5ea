// Keeps what is under way up to date: asks now and then how far it is, and less often while nothing changes. Nothing is
// asked while nobody looks, and no more once it is over. Without this script a link does the same.

const FIRST = 2_000;
const LONGEST = 20_000;
const LONGEST_AFTER_FAILURE = 120_000;

for (const box of document.querySelectorAll("[data-live]")) {
  const words = document.querySelector("[data-live-words]");
  let wait = FIRST;
  let before = "";
  let timer = 0;
  let isOver = false;

  const plan = () => {
    clearTimeout(timer);
    if (!isOver && !document.hidden) timer = setTimeout(ask, wait);
  };

  const ask = async () => {
    try {
      // Whoever is signed out meanwhile is led to the sign-in, and sees that when the page is loaded anew.
      const response = await fetch(box.dataset.live, { headers: { accept: "application/json" }, redirect: "manual" });
      if (response.status >= 500 || response.status === 429) throw new Error(`status ${response.status}`);
      if (!response.ok) {
        isOver = true;
        if (words) words.textContent = "This page changes no more by itself. Load it again.";
        return;
      }
      const answer = await response.json();
      const now = JSON.stringify(answer);
      wait = now === before ? Math.min(wait * 1.5, LONGEST) : FIRST;
      if (now !== before) show(answer);
      before = now;
      isOver = answer.is_over;
    } catch {
      wait = Math.min(wait * 2, LONGEST_AFTER_FAILURE);
    }
    plan();
  };

  const show = (answer) => {
    if (words && words.textContent !== answer.words) words.textContent = answer.words;
    for (const [name, isDone] of Object.entries(answer.marks ?? {})) {
      const mark = box.querySelector(`[data-mark="${name}"]`);
      if (!mark || mark.classList.contains("done") === isDone) continue;
      mark.classList.toggle("done", isDone);
      const word = mark.querySelector("[data-mark-word]");
      word.textContent = isDone ? "done" : "to do";
      word.classList.toggle("good", isDone);
    }
    if (answer.marks) {
      const next = Object.entries(answer.marks).find(([, isDone]) => !isDone)?.[0];
      for (const step of box.querySelectorAll("[data-mark]")) {
        if (step.dataset.mark === next) step.setAttribute("aria-current", "step");
        else step.removeAttribute("aria-current");
      }
    }
    if (answer.html !== undefined) {
      const focused = box.contains(document.activeElement) ? document.activeElement.id : "";
      // Our own page, made by the same templates.
      box.innerHTML = answer.html;
      if (focused) document.getElementById(focused)?.focus();
      box.dispatchEvent(new CustomEvent("changed", { bubbles: true }));
    }
  };

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) wait = FIRST;
    plan();
  });
  plan();
}
