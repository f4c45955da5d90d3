// The charts of an experiment: drawn when scrolled to, as the reader wants them, kept current.

import { Crosshair, tellLast } from "./crosshair.js";
import { CONFIG, fromClock, layout, toClock, traces } from "./figure.js";
import { ask, make, one, state } from "./live.js";
import { number } from "./words.js";

// So many charts are asked for at once.
const TOGETHER = 24;

let plotly = null;

/** Plotly from our own server, loaded once and only where there are charts. */
function loadPlotly(source) {
  plotly ??= new Promise((resolve, reject) => {
    if (window.Plotly) return resolve(window.Plotly);
    const present = document.querySelector("script[src*='plotly.min.js']");
    const script = present ?? make("script", { src: source });
    script.addEventListener("load", () => resolve(window.Plotly));
    script.addEventListener("error", () => {
      plotly = null;
      script.remove();
      reject(new Error("The chart library did not load."));
    });
    if (!present) document.head.append(script);
    return undefined;
  });
  return plotly;
}

/** The charts in the element `list`, until stop() is called. */
export class Charts {
  constructor(list) {
    this.list = list;
    this.cards = new Map();
    this.wanted = new Set();
    this.asking = null;
    this.window = readWindow();
    this.tools = one("#chart-tools");
    this.stopping = new AbortController();
    const { signal } = this.stopping;
    this.watcher = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: "200px" });
    this.sizes = new ResizeObserver(() => this.#resize());
    this.crosshair = new Crosshair(list, {
      cardAt: (plot) => this.cards.get(plot.closest("[data-chart]").dataset.chart),
      shown: () => [...this.cards.values()].filter((card) => card.data && card.visible && !card.element.hidden),
      describe: (x) => this.#describe(x),
      signal,
    });
    this.#readyTools(signal);
    for (const element of list.querySelectorAll("[data-chart]")) this.#add(element);
    this.#filter();
    this.sizes.observe(list);
    document.addEventListener("theme", () => this.#redraw(), { signal });
  }

  stop() {
    this.stopping.abort();
    this.watcher.disconnect();
    this.sizes.disconnect();
    this.asking?.abort();
    cancelAnimationFrame(this.resizing);
    clearTimeout(this.soon);
    for (const card of this.cards.values()) if (card.data) window.Plotly?.purge(card.plot);
  }

  /** Takes over what the server's fresh HTML says: new metrics get a chart, longer ones are asked for again. */
  update(fresh) {
    for (const next of fresh.querySelectorAll("[data-chart]")) {
      const card = this.cards.get(next.dataset.chart);
      if (!card) this.#insert(next);
      else if (card.element.dataset.count !== next.dataset.count) {
        card.element.dataset.count = next.dataset.count;
        card.last = next.querySelector(".readout").textContent;
        if (this.crosshair.x === undefined) tellLast(card);
        this.#want(card);
      }
    }
    this.#fetchSoon();
  }

  #add(element) {
    const readout = one(".readout", element);
    const card = {
      element,
      readout,
      id: element.dataset.chart,
      name: element.dataset.name,
      plot: one(".plot", element),
      footer: one("footer", element),
      last: readout.textContent,
      note: "",
      data: null,
      stale: true,
      visible: false,
    };
    card.plot.classList.add("waiting");
    tellLast(card);
    this.cards.set(card.id, card);
    this.watcher.observe(element);
  }

  #insert(next) {
    const group = [...this.list.querySelectorAll(".group")].find((each) => titleOf(each) === titleOf(next.closest(".group")));
    const element = document.importNode(next, true);
    if (group) one(".cards", group).append(element);
    else {
      const section = document.importNode(next.closest(".group"), true);
      one(".cards", section).replaceChildren(element);
      this.list.append(section);
    }
    this.#add(element);
    this.#filter();
  }

  // What the reader wants to see

  #readyTools(signal) {
    const { tools } = this;
    tools.hidden = false;
    const radios = [...tools.elements.x];
    (radios.find((radio) => radio.value === state.get("x")) ?? radios[0]).checked = true;
    tools.elements.smoothing.value = state.get("smoothing") || "0";
    tools.elements.log.checked = state.get("log") === "1";
    tools.elements.charts.value = state.get("charts");
    tools.addEventListener("submit", (event) => event.preventDefault(), { signal });
    tools.addEventListener("input", (event) => this.#chosen(event.target.name), { signal });
    one("#reset-zoom").addEventListener("click", () => this.#zoom(null), { signal });
    this.#tellTools();
  }

  get axis() {
    return this.tools.elements.x.value;
  }

  get smoothing() {
    return Number(this.tools.elements.smoothing.value);
  }

  get log() {
    return this.tools.elements.log.checked;
  }

  #chosen(name) {
    if (name === "x") this.window = null;
    state.set({
      x: this.axis === "step" ? "" : this.axis,
      smoothing: this.smoothing || "",
      log: this.log ? "1" : "",
      charts: this.tools.elements.charts.value.trim(),
      ...windowState(this.window),
    });
    this.#tellTools();
    if (name === "charts") this.#filter();
    else if (name === "log") this.#redraw();
    else this.#askAgain();
  }

  #tellTools() {
    one("output", this.tools).textContent = this.smoothing ? this.smoothing.toFixed(2) : "off";
    one("#reset-zoom").hidden = !this.window;
  }

  #filter() {
    const text = this.tools.elements.charts.value.trim().toLowerCase();
    let shown = 0;
    for (const card of this.cards.values()) {
      card.element.hidden = !card.name.toLowerCase().includes(text);
      shown += card.element.hidden ? 0 : 1;
    }
    for (const group of this.list.querySelectorAll(".group")) {
      group.hidden = !group.querySelector("[data-chart]:not([hidden])");
    }
    one("#no-charts").hidden = shown > 0;
  }

  /** The part of the x axis to show, for all charts; null for the whole of it. */
  #zoom(window) {
    this.window = window;
    state.set(windowState(window));
    this.#tellTools();
    this.#redraw();
    this.#askAgain();
  }

  // Data

  #seen(entries) {
    for (const entry of entries) {
      const card = this.cards.get(entry.target.dataset.chart);
      card.visible = entry.isIntersecting;
      if (card.visible && card.stale) this.wanted.add(card.id);
    }
    this.#fetchSoon();
  }

  #askAgain() {
    this.asking?.abort();
    this.asking = null;
    for (const card of this.cards.values()) this.#want(card);
    this.#fetchSoon();
  }

  /** What the card shows is no longer right: asked for now, or when it comes into sight. */
  #want(card) {
    card.stale = true;
    if (card.visible) this.wanted.add(card.id);
  }

  #fetchSoon() {
    if (this.soon || this.asking || this.wanted.size === 0) return;
    // One request for all charts that came into sight together, and for a slider that is still moving.
    this.soon = setTimeout(() => {
      this.soon = null;
      this.#fetch();
    }, 40);
  }

  async #fetch() {
    const ids = [...this.wanted].slice(0, TOGETHER);
    const mine = (this.asking = new AbortController());
    const { axis } = this;
    const counts = ids.map((id) => this.cards.get(id).element.dataset.count);
    try {
      const [library, answer] = await Promise.all([
        loadPlotly(this.list.dataset.plotly),
        ask(this.#address(ids), { signal: mine.signal }).then((response) => response.json()),
      ]);
      if (mine.signal.aborted || this.stopping.signal.aborted) return;
      ids.forEach((id, at) => {
        const card = this.cards.get(id);
        this.#received(library, card, answer.charts[id], axis);
        // More was logged while the answer was on its way.
        if (card.element.dataset.count !== counts[at]) this.#want(card);
      });
      this.crosshair.refresh();
    } catch (fault) {
      if (fault.name === "AbortError") return;
      for (const id of ids) this.#fail(this.cards.get(id), fault.message);
    } finally {
      if (this.asking === mine) {
        this.asking = null;
        this.#fetchSoon();
      }
    }
  }

  #address(ids) {
    const query = new URLSearchParams(ids.map((id) => ["chart", id]));
    query.set("x", this.axis);
    query.set("smoothing", this.smoothing);
    query.set("buckets", Math.max(100, Math.round(this.cards.get(ids[0]).plot.clientWidth / 2)));
    if (this.window) {
      query.set("low", this.window[0]);
      query.set("high", this.window[1]);
    }
    return `${this.list.dataset.series}?${query}`;
  }

  #received(library, card, data, axis) {
    this.wanted.delete(card.id);
    if (!data) return this.#fail(card, "This metric is no longer there.");
    if (axis === "wall") {
      data.x = data.x.map(toClock);
      for (const mark of data.marks) mark.x = toClock(mark.x);
    }
    card.stale = false;
    card.plot.querySelector(".fault")?.remove();
    card.data = data;
    card.axis = axis;
    return this.#draw(library, card);
  }

  #fail(card, message) {
    this.wanted.delete(card.id);
    card.stale = true;
    card.plot.classList.remove("waiting");
    if (card.data) return this.#note(card, `Not current: ${message}`);
    const retry = make("button", { class: "retry", type: "button", text: "Retry" });
    retry.addEventListener("click", () => {
      card.plot.replaceChildren();
      card.plot.classList.add("waiting");
      this.wanted.add(card.id);
      this.#fetchSoon();
    });
    return card.plot.replaceChildren(make("div", { class: "fault", role: "alert" }, message, retry));
  }

  /** A line below the chart, there only for charts that have something to say: a pointer must not move them. */
  #note(card, text) {
    card.footer.textContent = card.footer.title = card.note = text;
    card.footer.hidden = !text && !card.data?.smooth;
  }

  // Drawing

  #redraw() {
    for (const card of this.cards.values()) if (card.data) this.#draw(window.Plotly, card);
  }

  #resize() {
    cancelAnimationFrame(this.resizing);
    this.resizing = requestAnimationFrame(() => {
      for (const card of this.cards.values()) if (card.data && card.visible) window.Plotly.Plots.resize(card.plot);
    });
  }

  /** Draws the chart; one that cannot be drawn says so and leaves the others alone. */
  #draw(library, card) {
    try {
      this.#plot(library, card);
    } catch (fault) {
      library.purge(card.plot);
      Object.assign(card, { data: null, listening: false });
      this.#fail(card, `This chart cannot be drawn: ${fault.message}`);
    }
  }

  #plot(library, card) {
    const { data, axis } = card;
    const log = this.log && data.y.some((value) => value > 0);
    // What was received for another x axis keeps its own until the new values are here.
    const range = axis === this.axis && this.window ? this.window.map(axis === "wall" ? toClock : Number) : null;
    library.react(card.plot, traces(data, this.list.dataset.color), layout(data, { axis, range, log }), CONFIG);
    card.plot.classList.remove("waiting");
    if (!card.listening) {
      card.listening = true;
      card.plot.on("plotly_relayout", (change) => this.#relaid(change));
      card.plot.on("plotly_doubleclick", () => this.#zoom(null));
    }
    const notes = [
      data.note,
      data.counts && `Mean of ${number(data.total)} values, with their range`,
      this.log && !log && "No positive value for a log axis",
    ];
    this.#note(card, notes.filter(Boolean).join(". "));
  }

  #relaid(change) {
    const low = change["xaxis.range[0]"];
    const high = change["xaxis.range[1]"];
    if (low === undefined || high === undefined) return;
    const wall = this.axis === "wall";
    this.#zoom([low, high].map((at) => (wall ? fromClock(Date.parse(`${String(at).replace(" ", "T")}Z`)) : Number(at))));
  }

  #describe(x) {
    if (this.axis === "wall") return new Date(fromClock(x)).toLocaleString();
    return this.axis === "duration" ? `${number(x, 4)} s` : `${this.axis} ${number(x)}`;
  }
}

const titleOf = (group) => group.querySelector("h2")?.firstChild.textContent.trim() ?? "";

function readWindow() {
  const low = Number.parseFloat(state.get("xmin"));
  const high = Number.parseFloat(state.get("xmax"));
  return Number.isFinite(low) && Number.isFinite(high) && low < high ? [low, high] : null;
}

const windowState = (window) => ({ xmin: window ? window[0] : "", xmax: window ? window[1] : "" });
