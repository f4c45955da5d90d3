// Values as a reader wants them, worded as the server words them.

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

const WORDS = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const UNITS = [["year", 31_536_000], ["month", 2_592_000], ["day", 86_400], ["hour", 3_600], ["minute", 60]];

/** How long ago, in the largest fitting unit. */
export function relative(seconds) {
  const fit = UNITS.find(([, length]) => seconds >= length);
  return fit ? WORDS.format(-Math.floor(seconds / fit[1]), fit[0]) : "just now";
}

/** Seconds in two units at most, as the server words them. */
export function duration(seconds) {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (number) => String(number).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} m ${two(whole % 60)} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3_600)} h ${two(Math.floor((whole % 3_600) / 60))} m`;
  return `${Math.floor(whole / 86_400)} d ${two(Math.floor((whole % 86_400) / 3_600))} h`;
}
