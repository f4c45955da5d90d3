// What Plotly is told to draw for one series: lines, band, marks, axes. Knows nothing of the page around it.

import { number } from "./words.js";

export const CONFIG = { displayModeBar: false, doubleClick: false, showTips: false };

const LINE = 1.6;
const MARGIN = { l: 52, r: 14, t: 12, b: 26 };
// Moments have their day on a second line.
const TWO_LINES = 40;
// Up to so many points each is shown as a dot.
const DOTS = 30;
const MINUTE = 60_000;

// The years 1 to 9999: neither Date nor Plotly can write what lies far beyond.
const FIRST = -62_135_596_800_000;
const LAST = 253_402_300_799_999;

// Plotly knows no time zones: a moment is drawn at what the reader's clock showed, as if that were UTC.
export const toClock = (millis) => written(millis - new Date(written(millis)).getTimezoneOffset() * MINUTE);
const written = (millis) => Math.min(LAST, Math.max(FIRST, millis));
export const fromClock = (clock) => clock + new Date(clock + new Date(clock).getTimezoneOffset() * MINUTE).getTimezoneOffset() * MINUTE;

/** The lines of a series: the range it stands for, its values, their smoothed course. */
export function traces(data, color) {
  const common = { x: data.x, type: "scatter", mode: "lines", hoverinfo: "skip", connectgaps: false };
  const raw = { ...common, ...dots(data, color), y: data.y, name: "values" };
  const values = { ...raw, line: { color, width: LINE, simplify: false } };
  if (!data.smooth) return [...band(data, color, common), values];
  const smooth = { ...common, y: data.smooth, name: "smoothed", line: { color, width: LINE + 0.4 } };
  return [...band(data, color, common), { ...raw, opacity: 0.4, line: { color, width: 1 } }, smooth];
}

function band(data, color, common) {
  if (!data.low) return [];
  // The edge is visible by itself: the extreme of a single value is a sliver that a pale fill would hide.
  const line = { width: 0.8, color: `${color}90` };
  return [
    { ...common, y: data.low, name: "low", line },
    { ...common, y: data.high, name: "high", line, fill: "tonexty", fillcolor: `${color}38` },
  ];
}

function dots(data, color) {
  if (data.x.length > DOTS) return {};
  return { mode: "lines+markers", marker: { size: data.x.length === 1 ? 7 : 5, color } };
}

/** Axes and colours. `look` = {axis, range, log}: what x means, the part of it to show (null = all), whether y is logarithmic. */
export function layout(data, look) {
  const style = getComputedStyle(document.documentElement);
  const paint = (name) => style.getPropertyValue(name).trim();
  const axis = { gridcolor: paint("--grid"), linecolor: paint("--line"), zeroline: false, automargin: false };
  return {
    margin: look.axis === "wall" ? { ...MARGIN, b: TWO_LINES } : MARGIN,
    autosize: true,
    showlegend: false,
    hovermode: false,
    dragmode: "zoom",
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", size: 11, color: paint("--quiet") },
    xaxis: { ...axis, ...across(data, look), tickcolor: paint("--line") },
    yaxis: { ...axis, ...upward(data, look) },
    shapes: data.marks.map((mark) => upright(mark.x, look, paint("--failed"))),
  };
}

function across(data, { axis, range }) {
  return {
    showgrid: false,
    ticks: "outside",
    ticklen: 4,
    tickangle: 0,
    nticks: axis === "wall" ? 4 : 6,
    type: axis === "wall" ? "date" : "linear",
    ticksuffix: axis === "duration" ? " s" : "",
    ...(range ? { range: range.map((x) => place(x, axis)), autorange: false } : { autorange: true }),
    ...(axis === "wall" || range ? {} : alone(data.x)),
  };
}

function upward(data, { log }) {
  return {
    type: log ? "log" : "linear",
    fixedrange: true,
    autorange: true,
    nticks: 5,
    exponentformat: "e",
    minexponent: 4,
    separatethousands: true,
    ...alone(data.y),
  };
}

/** The axis of a single value names that value and no other. */
const alone = (values) => (values.length === 1 ? { tickmode: "array", tickvals: values, ticktext: [number(values[0])] } : {});

/** A value that has no height stands as a dotted line. */
function upright(x, { axis }, color) {
  const at = place(x, axis);
  return { type: "line", xref: "x", yref: "paper", x0: at, x1: at, y0: 0, y1: 1, line: { color, width: 1, dash: "dot" } };
}

const place = (x, axis) => (axis === "wall" ? new Date(x).toISOString().replace("Z", "") : x);
