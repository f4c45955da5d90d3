// The table of a project's experiments: filter as you type, sort and turn pages in place.

import { adopt, one, page, stayCurrent } from "./live.js";

let running = null;

/** Shows the table of `url`; a newer wish overtakes an older one. */
async function show(url, { push = false } = {}) {
  running?.abort();
  const mine = (running = new AbortController());
  const table = one("#experiments");
  table.setAttribute("aria-busy", "true");
  try {
    adopt(await page(url, { signal: mine.signal }));
    if (push) history.pushState(null, "", url);
    else history.replaceState(null, "", url);
  } catch (fault) {
    if (fault.name !== "AbortError") location.href = url;
  } finally {
    if (running === mine) table.removeAttribute("aria-busy");
  }
}

function readyFilter(form) {
  const input = one("input[type=search]", form);
  let timer = null;
  const wanted = () => {
    const url = new URL(location.href);
    url.searchParams.delete("page");
    if (input.value.trim()) url.searchParams.set("q", input.value.trim());
    else url.searchParams.delete("q");
    return url;
  };
  one("button", form).hidden = true;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(wanted());
  });
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => show(wanted()), 150);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    input.focus();
  });
  window.addEventListener("popstate", () => {
    input.value = new URL(location.href).searchParams.get("q") ?? "";
  });
}

const form = document.querySelector("#search");
if (form) readyFilter(form);

one("#experiments").addEventListener("click", (event) => {
  const link = event.target.closest("a.sort, a.tag, .pages a, .empty a");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  const url = new URL(link.href);
  if (form) one("input[type=search]", form).value = url.searchParams.get("q") ?? "";
  show(url, { push: true });
});
window.addEventListener("popstate", () => show(new URL(location.href)));

stayCurrent(async () => {
  const asked = location.href;
  const fresh = await page(asked);
  // The reader may have filtered or sorted while the answer was on its way.
  if (location.href === asked) adopt(fresh);
});
