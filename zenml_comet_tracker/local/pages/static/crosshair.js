// One crosshair over all charts: where the pointer is in one of them, the others show the same x.

import { make } from "./live.js";
import { number } from "./words.js";

// Pixels by which a pointer may miss the end of a series.
const NEAR = 8;

/** Follows the pointer over `list`. `cardAt(element)` gives the chart card of an element, `shown()` the cards in sight. */
export class Crosshair {
  constructor(list, { cardAt, shown, describe, signal }) {
    Object.assign(this, { list, cardAt, shown, describe });
    this.x = undefined;
    list.addEventListener("pointermove", (event) => this.#point(event), { signal });
    list.addEventListener("pointerleave", () => this.#leave(), { signal });
    signal.addEventListener("abort", () => cancelAnimationFrame(this.frame));
  }

  /** Draws it again where it is: after a chart was drawn anew. */
  refresh() {
    if (this.x === undefined) return;
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      if (this.x !== undefined) for (const card of this.shown()) this.#show(card, this.x);
    });
  }

  #point(event) {
    const plot = event.target.closest?.(".plot");
    const card = plot && this.cardAt(plot);
    const xaxis = card?.data && plot._fullLayout?.xaxis;
    const at = xaxis ? event.clientX - plot.getBoundingClientRect().left - xaxis._offset : -1;
    if (at < 0 || at > xaxis._length) return this.#leave();
    this.x = xaxis.p2l(at);
    return this.refresh();
  }

  #leave() {
    if (this.x === undefined) return;
    this.x = undefined;
    for (const part of this.list.querySelectorAll(".cross, .cross-dot")) part.remove();
    for (const card of this.shown()) tellLast(card);
  }

  #show(card, x) {
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
    if (line.hidden) return tellLast(card);
    const y = (data.smooth ?? data.y)[index];
    const top = yaxis._offset + yaxis.l2p(yaxis.type === "log" ? Math.log10(y) : y);
    const left = `${xaxis._offset + at}px`;
    Object.assign(line.style, { left, top: `${yaxis._offset}px`, height: `${yaxis._length}px` });
    Object.assign(dot.style, { left, top: `${top}px`, background: this.list.dataset.color });
    dot.hidden = !Number.isFinite(top);
    tell(card, this.describe(data.x[index]), number(data.y[index]));
    card.footer.textContent = more(data, index) || card.note;
  }
}

/** Shows the newest value of a chart, as when nobody points anywhere. */
export function tellLast(card) {
  tell(card, "last", card.last.trim());
  card.footer.textContent = card.note;
}

function tell(card, where, value) {
  card.readout.replaceChildren(`${where}  `, make("b", { text: value }));
}

/** What one row of a chart holds besides its value: the smoothed one, the range of what it stands for. */
function more(data, index) {
  const several = data.counts?.[index] > 1;
  return [
    data.smooth && `smoothed ${number(data.smooth[index])}`,
    several && `mean of ${number(data.counts[index])} from ${number(data.low[index])} to ${number(data.high[index])}`,
  ].filter(Boolean).join(", ");
}

/** The index of the entry of the ascending `xs` closest to `x`; -1 when there is none. */
function nearest(xs, x) {
  let low = 0;
  let high = xs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= x) low = middle;
    else high = middle;
  }
  return high < 0 || Math.abs(xs[low] - x) <= Math.abs(xs[high] - x) ? Math.min(low, high) : high;
}
