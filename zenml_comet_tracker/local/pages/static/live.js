// What every page shares: staying current, the theme, copying, times in words.

import { duration, relative } from "./words.js";

const SLOWEST = 15_000;
const FASTEST = 2_000;

/** The element with this selector; throws where the template no longer has it. */
export const one = (selector, root = document) => {
  const found = root.querySelector(selector);
  if (!found) throw new Error(`The page has no ${selector}.`);
  return found;
};

/** Makes an element with text and attributes. Text is never parsed as markup. */
export function make(tag, { text, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  element.append(...children);
  return element;
}

/** The query string as the state of the page. Setting an empty value removes its name. */
export const state = {
  get: (name) => new URL(location.href).searchParams.get(name) ?? "",
  set(values) {
    const url = new URL(location.href);
    for (const [name, value] of Object.entries(values)) {
      if (value === "" || value === null) url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    }
    if (url.href !== location.href) history.replaceState(history.state, "", url);
  },
};

/** A response of our own server, or an Error whose message can be shown. */
export async function ask(url, options = {}) {
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...options });
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    throw new Error("The local server does not answer.");
  }
  if (response.status === 401) throw new Error("This browser is no longer signed in. Run: zenml-comet open");
  if (!response.ok) throw new Error(`The local server answered ${response.status}.`);
  return response;
}

/** Another state of this page, as a document: the server makes the same HTML for us as for a reader without scripts. */
export async function page(url, options) {
  const text = await (await ask(url, options)).text();
  return new DOMParser().parseFromString(text, "text/html");
}

/** Takes over the parts of `fresh` marked data-live, leaving alone what did not change and what the reader opened. */
export function adopt(fresh, names) {
  for (const old of document.querySelectorAll("[data-live]")) {
    const name = old.dataset.live;
    const next = fresh.querySelector(`[data-live="${CSS.escape(name)}"]`);
    if (!next || (names && !names.includes(name))) continue;
    for (const details of old.querySelectorAll("details[id]")) {
      next.querySelector(`#${CSS.escape(details.id)}`)?.toggleAttribute("open", details.open);
    }
    replaceKeepingPlace(old, next);
  }
}

/** Swaps the content of `old` for that of `next`, made ready, keeping focus and sideways scroll. */
export function replaceKeepingPlace(old, next) {
  decorate(next);
  if (old.innerHTML === next.innerHTML) return;
  const shift = old.querySelector(".scroll")?.scrollLeft ?? 0;
  const focused = old.contains(document.activeElement) ? likeness(document.activeElement) : null;
  old.replaceChildren(...next.childNodes);
  const scroll = old.querySelector(".scroll");
  if (scroll) scroll.scrollLeft = shift;
  if (!focused) return;
  const same = [...old.querySelectorAll("a, button, summary")].find((element) => likeness(element) === focused);
  same?.focus({ preventScroll: true });
}

/** What tells an element that can hold the focus from the others, also after it was made anew. */
function likeness(element) {
  const row = element.closest("tr")?.querySelector("th")?.textContent;
  return [element.tagName, element.getAttribute("href"), element.dataset.copy, row].join("\n");
}

/** One poll for the whole page: fast while something runs, slower and slower else, none while hidden. */
export function stayCurrent(onChange) {
  const { changes } = document.body.dataset;
  let cursor = document.body.dataset.cursor;
  let busy = "busy" in document.body.dataset;
  let delay = FASTEST;
  let timer = null;
  let asking = false;

  async function poll() {
    timer = null;
    if (asking) return;
    asking = true;
    try {
      const response = await ask(`${changes}?since=${encodeURIComponent(cursor)}`);
      if (response.status === 200) {
        const news = await response.json();
        await onChange(news);
        ({ cursor, busy } = news);
        delay = FASTEST;
      } else {
        delay = busy ? FASTEST : Math.min(delay * 1.5, SLOWEST);
      }
      report("");
    } catch (fault) {
      report(fault.message);
      delay = FASTEST * 2;
    } finally {
      asking = false;
      schedule(delay);
    }
  }

  function schedule(wait) {
    clearTimeout(timer);
    timer = document.hidden ? null : setTimeout(poll, wait);
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : schedule(0)));
  window.addEventListener("focus", () => schedule(0));
  schedule(FASTEST);
}

function report(message) {
  const line = one("#connection");
  line.hidden = message === "";
  line.textContent = message === "" ? "" : `${message} Trying again.`;
}

/** Readies what a fresh piece of HTML holds: times in words and in the reader's zone, copy buttons. */
export function decorate(root = document) {
  for (const button of root.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
  for (const time of root.querySelectorAll("time[data-relative]")) {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.getTime())) time.title = moment.toLocaleString();
  }
  tellTime(root);
}

function tellTime(root = document) {
  for (const time of root.querySelectorAll("time[data-relative]")) {
    const seconds = (Date.now() - new Date(time.dateTime)) / 1_000;
    if (!Number.isNaN(seconds)) time.textContent = relative(seconds);
  }
  for (const span of root.querySelectorAll("[data-since]")) {
    span.textContent = duration((Date.now() - Number(span.dataset.since)) / 1_000);
  }
}

async function copyText(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.classList.add("done");
    setTimeout(() => button.classList.remove("done"), 1_200);
  } catch {
    button.title = "The browser refused to copy";
  }
}

/** Whether the page is shown dark, by the reader's choice or the system's. */
const dark = () =>
  (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

function readyTheme() {
  const button = one("#theme");
  button.hidden = false;
  button.addEventListener("click", () => {
    const theme = dark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    // The server reads it, so that the next page is right from its first paint.
    document.cookie = `zenml_comet_theme=${theme}; path=/; max-age=31536000; SameSite=Lax`;
    document.dispatchEvent(new Event("theme"));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new Event("theme")));
}

readyTheme();
decorate();
setInterval(() => document.hidden || tellTime(), 1_000);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copyText(button);
});
