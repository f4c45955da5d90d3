// The charts of an experiment: drawn when scrolled to, one x axis for all, one crosshair over all.

import { ask, dark, make, one, state } from "./live.js";

const LINE = 1.6;
const CONFIG = { displayModeBar: false, doubleClick: false, showTips: false };
// Pixels by which a pointer may miss the end of a series.
const NEAR = 8;
const MARGIN = { l: 52, r: 14, t: 12, b: 26 };
// Up to so many points each is shown as a dot.
const DOTS = 30;

/** A value in a few digits, as the server words it. */
export function number(value, digits = 5) {
  if (value === null || Number.isNaN(value)) return "NaN";
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return value.toLocaleString("en");
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e6) {
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    return `${Number(mantissa)}e${Number(exponent)}`;
  }
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return value.toLocaleString("en", { maximumFractionDigits: decimals });
}

/** Draws the charts in `list` and keeps them as the reader wants them. */
export function showCharts(list) {
  return new Charts(list);
}

export function stopCharts(charts) {
  charts.stop();
}

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

class Charts {
  constructor(list) {
    this.list = list;
    this.cards = new Map();
    this.wanted = new Set();
    this.asking = null;
    this.window = readWindow();
    this.tools = one("#chart-tools");
    this.stopping = new AbortController();
    this.watcher = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: "200px" });
    this.#readyTools();
    for (const element of list.querySelectorAll("[data-chart]")) this.#add(element);
    this.#filter();
    const { signal } = this.stopping;
    document.addEventListener("theme", () => this.#redraw(), { signal });
    this.sizes = new ResizeObserver(() => this.#resize());
    this.sizes.observe(list);
    list.addEventListener("pointermove", (event) => this.#point(event), { signal });
    list.addEventListener("pointerleave", () => this.#unpoint(), { signal });
  }

  stop() {
    this.stopping.abort();
    this.watcher.disconnect();
    this.sizes.disconnect();
    cancelAnimationFrame(this.resizing);
    cancelAnimationFrame(this.frame);
    clearTimeout(this.soon);
    this.asking?.abort();
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
        card.stale = true;
        if (!this.pointing) this.#tellLast(card);
        if (card.visible) this.wanted.add(card.id);
      }
    }
    this.#fetchSoon();
  }

  #add(element) {
    const card = {
      element,
      id: element.dataset.chart,
      name: element.dataset.name,
      plot: one(".plot", element),
      readout: one(".readout", element),
      footer: one("footer", element),
      note: "",
      last: one(".readout", element).textContent,
      data: null,
      stale: true,
      visible: false,
    };
    card.plot.classList.add("waiting");
    this.#tellLast(card);
    this.cards.set(card.id, card);
    this.watcher.observe(element);
    return card;
  }

  #insert(next) {
    const title = next.closest(".group").querySelector("h2")?.firstChild.textContent.trim() ?? "";
    const groups = [...this.list.querySelectorAll(".group")];
    const group = groups.find((each) => (each.querySelector("h2")?.firstChild.textContent.trim() ?? "") === title);
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

  #readyTools() {
    const { tools } = this;
    const { signal } = this.stopping;
    tools.hidden = false;
    const axis = state.get("x") || "step";
    for (const radio of tools.elements.x) radio.checked = radio.value === axis;
    tools.elements.smoothing.value = state.get("smoothing") || "0";
    tools.elements.log.checked = state.get("log") === "1";
    tools.elements.charts.value = state.get("charts");
    this.#tellSmoothing();
    tools.addEventListener("submit", (event) => event.preventDefault(), { signal });
    tools.addEventListener("input", (event) => this.#chosen(event.target.name), { signal });
    one("#reset-zoom").addEventListener("click", () => this.#zoom(null), { signal });
    one("#reset-zoom").hidden = !this.window;
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
    if (name === "charts") {
      state.set({ charts: this.tools.elements.charts.value.trim() });
      this.#filter();
    } else if (name === "log") {
      state.set({ log: this.log ? "1" : "" });
      this.#redraw();
    } else {
      if (name === "x") this.window = null;
      state.set({
        x: this.axis === "step" ? "" : this.axis,
        smoothing: this.smoothing || "",
        ...windowState(this.window),
      });
      one("#reset-zoom").hidden = !this.window;
      this.#tellSmoothing();
      this.#askAgain();
    }
  }

  #tellSmoothing() {
    one("output", this.tools).textContent = this.smoothing ? this.smoothing.toFixed(2) : "off";
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
    one("#reset-zoom").hidden = !window;
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
    for (const card of this.cards.values()) {
      card.stale = true;
      if (card.visible) this.wanted.add(card.id);
    }
    this.#fetchSoon();
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
    const ids = [...this.wanted].slice(0, 24);
    const mine = (this.asking = new AbortController());
    try {
      const [library, answer] = await Promise.all([
        loadPlotly(this.list.dataset.plotly),
        ask(this.#address(ids), { signal: mine.signal }).then((response) => response.json()),
      ]);
      if (mine.signal.aborted) return;
      for (const id of ids) this.#received(library, this.cards.get(id), answer.charts[id]);
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

  #received(library, card, data) {
    this.wanted.delete(card.id);
    if (!data) return this.#fail(card, "This metric is no longer there.");
    card.stale = false;
    card.plot.querySelector(".fault")?.remove();
    card.data = data;
    return this.#draw(library, card);
  }

  #fail(card, message) {
    this.wanted.delete(card.id);
    card.stale = true;
    card.plot.classList.remove("waiting");
    // A drawn chart stays: the line above the page says that it is not current.
    if (card.data) return;
    const retry = make("button", { class: "retry", type: "button", text: "Retry" });
    retry.addEventListener("click", () => {
      card.plot.replaceChildren();
      card.plot.classList.add("waiting");
      this.wanted.add(card.id);
      this.#fetchSoon();
    });
    card.plot.replaceChildren(make("div", { class: "fault", role: "alert" }, message, retry));
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

  #draw(library, card) {
    const { data } = card;
    const log = this.log && data.y.some((value) => value > 0);
    library.react(card.plot, this.#traces(data), this.#layout(data, log), CONFIG);
    if (card.plot.classList.contains("waiting")) {
      card.plot.classList.remove("waiting");
      card.plot.on("plotly_relayout", (change) => this.#relaid(change));
      card.plot.on("plotly_doubleclick", () => this.#zoom(null));
    }
    card.note = [
      data.note,
      data.counts && `Mean of ${number(data.total)} values, with their range`,
      this.log && !log && "No positive value for a log axis",
    ].filter(Boolean).join(". ");
    card.footer.textContent = card.footer.title = card.note;
  }

  #traces(data) {
    const { color } = this.list.dataset;
    const common = { x: data.x, type: "scatter", mode: "lines", hoverinfo: "skip", connectgaps: false };
    // Visible by itself: the extreme of a single value is a sliver that a pale fill would hide.
    const edge = { width: 0.8, color: `${color}90` };
    const traces = [];
    if (data.low) {
      traces.push({ ...common, y: data.low, line: edge });
      traces.push({ ...common, y: data.high, line: edge, fill: "tonexty", fillcolor: `${color}38` });
    }
    const few = data.x.length <= DOTS;
    const dots = few ? { mode: "lines+markers", marker: { size: data.x.length === 1 ? 7 : 5, color } } : {};
    const raw = { ...common, ...dots, y: data.y, name: "values", line: { color, width: LINE, simplify: false } };
    if (!data.smooth) return [...traces, raw];
    const smooth = { ...common, y: data.smooth, name: "smoothed", line: { color, width: LINE + 0.4 } };
    return [...traces, { ...raw, opacity: 0.4, line: { color, width: 1 } }, smooth];
  }

  #layout(data, log) {
    const style = getComputedStyle(document.documentElement);
    const paint = (name) => style.getPropertyValue(name).trim();
    const axis = { gridcolor: paint("--grid"), zeroline: false, linecolor: paint("--line"), automargin: false, nticks: 6 };
    const range = this.window && (this.axis === "wall" ? this.window.map((at) => new Date(at).toISOString()) : [...this.window]);
    return {
      margin: MARGIN,
      autosize: true,
      showlegend: false,
      hovermode: false,
      dragmode: "zoom",
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", size: 11, color: paint("--quiet") },
      xaxis: {
        ...axis,
        showgrid: false,
        ticks: "outside",
        ticklen: 4,
        tickcolor: paint("--line"),
        type: this.axis === "wall" ? "date" : "linear",
        ...(range ? { range, autorange: false } : { autorange: true }),
        ...(this.axis === "duration" ? { ticksuffix: " s" } : {}),
        ...(this.axis === "wall" || range ? {} : alone(data.x)),
      },
      yaxis: { ...axis, type: log ? "log" : "linear", fixedrange: true, exponentformat: "e", minexponent: 4, separatethousands: true, autorange: true, nticks: 5, ...alone(data.y) },
      shapes: data.marks.map((mark) => this.#mark(mark, paint("--failed"))),
    };
  }

  /** A value that has no height stands as a dotted line. */
  #mark(mark, color) {
    const x = this.axis === "wall" ? new Date(mark.x).toISOString() : mark.x;
    return { type: "line", xref: "x", yref: "paper", x0: x, x1: x, y0: 0, y1: 1, line: { color, width: 1, dash: "dot" } };
  }

  #relaid(change) {
    const low = change["xaxis.range[0]"];
    const high = change["xaxis.range[1]"];
    if (low === undefined || high === undefined) return;
    const value = (at) => (this.axis === "wall" ? Date.parse(`${String(at).replace(" ", "T")}Z`) : Number(at));
    this.#zoom([value(low), value(high)]);
  }

  // Crosshair

  #point(event) {
    const plot = event.target.closest?.(".plot");
    const card = plot && this.cards.get(plot.closest("[data-chart]").dataset.chart);
    const layout = card?.data && plot._fullLayout;
    if (!layout) return this.#unpoint();
    const at = event.clientX - plot.getBoundingClientRect().left - layout.xaxis._offset;
    if (at < 0 || at > layout.xaxis._length) return this.#unpoint();
    this.pointing = layout.xaxis.p2l(at);
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.#showCross());
    return undefined;
  }

  #unpoint() {
    if (this.pointing === undefined) return;
    this.pointing = undefined;
    cancelAnimationFrame(this.frame);
    for (const card of this.cards.values()) {
      for (const part of card.plot.querySelectorAll(".cross, .cross-dot")) part.remove();
      this.#tellLast(card);
    }
  }

  #showCross() {
    if (this.pointing === undefined) return;
    for (const card of this.cards.values()) if (card.data && card.visible && !card.element.hidden) this.#cross(card, this.pointing);
  }

  #cross(card, x) {
    const { data, plot } = card;
    const index = nearest(data.x, x);
    if (index < 0 || !plot._fullLayout) return;
    const { xaxis, yaxis } = plot._fullLayout;
    const line = plot.querySelector(".cross") ?? plot.appendChild(make("div", { class: "cross" }));
    const dot = plot.querySelector(".cross-dot") ?? plot.appendChild(make("div", { class: "cross-dot" }));
    const at = xaxis.l2p(data.x[index]);
    const beyond = x < data.x[0] || x > data.x.at(-1) || at < -1 || at > xaxis._length + 1;
    // A series that has nothing there says so by keeping its last value; a close miss still hits.
    line.hidden = dot.hidden = beyond && Math.abs(at - xaxis.l2p(x)) > NEAR;
    if (line.hidden) return this.#tellLast(card);
    const y = (data.smooth ?? data.y)[index];
    const top = yaxis._offset + yaxis.l2p(yaxis.type === "log" ? Math.log10(y) : y);
    const left = `${xaxis._offset + at}px`;
    Object.assign(line.style, { left, top: `${yaxis._offset}px`, height: `${yaxis._length}px` });
    Object.assign(dot.style, { left, top: `${top}px`, background: this.list.dataset.color });
    dot.hidden = !Number.isFinite(top);
    this.#tell(card, this.#place(data.x[index]), number(data.y[index]));
    card.footer.textContent = more(data, index) || card.note;
    return undefined;
  }

  #place(x) {
    if (this.axis === "wall") return new Date(x).toLocaleString();
    return this.axis === "duration" ? `${number(x, 4)} s` : `${this.axis} ${number(x)}`;
  }

  #tellLast(card) {
    this.#tell(card, "last", card.last.trim());
    card.footer.textContent = card.note;
  }

  #tell(card, where, value) {
    card.readout.replaceChildren(`${where}  `, make("b", { text: value }));
  }
}

/** The axis of a single value names that value and no other. */
const alone = (values) => (values.length === 1 ? { tickmode: "array", tickvals: values, ticktext: [number(values[0])] } : {});

/** What one row of a chart holds besides its value: the smoothed one, the range of what it stands for. */
function more(data, index) {
  const several = data.counts?.[index] > 1;
  return [
    data.smooth && `smoothed ${number(data.smooth[index])}`,
    several && `mean of ${number(data.counts[index])} from ${number(data.low[index])} to ${number(data.high[index])}`,
  ].filter(Boolean).join(", ");
}

/** The index of the entry of the ascending `xs` closest to `x`; -1 when there is none. */
export function nearest(xs, x) {
  let low = 0;
  let high = xs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= x) low = middle;
    else high = middle;
  }
  return high < 0 || Math.abs(xs[low] - x) <= Math.abs(xs[high] - x) ? Math.min(low, high) : high;
}

function readWindow() {
  const low = Number.parseFloat(state.get("xmin"));
  const high = Number.parseFloat(state.get("xmax"));
  return Number.isFinite(low) && Number.isFinite(high) && low < high ? [low, high] : null;
}

const windowState = (window) => ({ xmin: window ? window[0] : "", xmax: window ? window[1] : "" });
