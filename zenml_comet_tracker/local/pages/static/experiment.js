// An experiment: its parts in place, each with its own loading and fault, and current while it runs.

import { Charts } from "./charts.js";
import { adopt, decorate, make, one, page, replaceKeepingPlace, state, stayCurrent } from "./live.js";

const panel = one("#panel");
let charts = null;
let loading = null;

/** Puts the part `tab` into the page: the one that the server renders at this address. */
async function open(tab) {
  loading?.abort();
  const mine = (loading = new AbortController());
  close();
  panel.dataset.panel = tab;
  for (const link of document.querySelectorAll(".tabs a")) {
    if (link.dataset.tab === tab) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  panel.replaceChildren(make("div", { class: "skeleton", role: "status", "aria-label": "Loading" }));
  try {
    show(await page(location.href, { signal: mine.signal }));
  } catch (fault) {
    if (fault.name !== "AbortError") fail(tab, fault);
  }
}

function show(fresh) {
  const next = one("#panel", fresh);
  adopt(fresh);
  close();
  panel.dataset.panel = next.dataset.panel;
  panel.replaceChildren(...next.childNodes);
  ready();
}

function fail(tab, fault) {
  const retry = make("button", { class: "retry", type: "button", text: "Retry" });
  retry.addEventListener("click", () => open(tab));
  panel.replaceChildren(make("div", { class: "fault", role: "alert" }, fault.message, retry));
}

function ready() {
  decorate(panel);
  const list = panel.querySelector("#charts");
  if (list) charts = new Charts(list);
}

function close() {
  charts?.stop();
  charts = null;
}

async function refresh() {
  const asked = location.href;
  const part = panel.dataset.panel;
  const fresh = await page(asked);
  // The reader may have opened another part while the answer was on its way.
  if (panel.dataset.panel !== part || panel.querySelector(":scope > .skeleton")) return;
  const next = one("#panel", fresh);
  if (charts && next.querySelector("#charts")) {
    adopt(fresh);
    charts.update(next);
  } else if (part === "charts" || panel.querySelector(":scope > .fault")) {
    show(fresh);
  } else {
    adopt(fresh);
    keepOpened(next);
    replaceKeepingPlace(panel, next);
  }
}

function keepOpened(next) {
  const opened = [...panel.querySelectorAll("tr:has(details[open]) th")].map((cell) => cell.textContent);
  for (const cell of next.querySelectorAll("tr:has(details) th")) {
    if (opened.includes(cell.textContent)) cell.parentElement.querySelector("details").open = true;
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest(".tabs a");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  if (link.dataset.tab === panel.dataset.panel) return;
  const url = new URL(location.href);
  url.searchParams.set("experiment-tab", link.dataset.tab);
  history.pushState(null, "", url);
  open(link.dataset.tab);
});

window.addEventListener("popstate", () => open(state.get("experiment-tab") || "charts"));

ready();
stayCurrent(refresh);
