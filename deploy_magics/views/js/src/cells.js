// A column as it came, unpacked: numbers in a typed array, texts beside them, and each cell's wording on demand.
import { missingPlaces, ownDecimals, write } from "./numbers.js";

const SPECIAL = { nan: NaN, inf: Infinity, "-inf": -Infinity };

export function number(value) {
  if (typeof value === "number") return value;
  return typeof value === "string" ? SPECIAL[value] : undefined;
}

export class Column {
  constructor(plain, rows, index) {
    Object.assign(this, { ...plain, v: undefined, index });
    this.numeric = plain.kind !== "text" && plain.kind !== "verdict";
    this.values = new Float64Array(rows).fill(NaN);
    this.known = new Uint8Array(rows); // 0: nothing there, 1: a number, 2: a text
    this.texts = [];
    plain.v.forEach((value, row) => {
      if (value === null) return;
      if (Array.isArray(value)) {
        this.known[row] = 2;
        [this.texts[row]] = value;
      } else {
        this.known[row] = 1;
        this.values[row] = number(value);
      }
    });
    this.whys = new Map();
    for (const [why, at] of plain.missing ?? []) for (const row of at) this.whys.set(row, why);
    this.low = plain.lo?.map(number);
    this.high = plain.hi?.map(number);
  }

  // One cell as data: {value, low, high, verdict} of a ratio, {value} of a number, {text}, or {why}.
  cell(row) {
    if (this.known[row] === 0) return { why: this.whys.get(row) ?? "no value" };
    if (this.known[row] === 2) return { text: this.texts[row] };
    const value = this.values[row];
    if (this.kind !== "ratio") return { value };
    const word = this.w?.[row];
    return {
      value,
      low: this.low?.[row] ?? value,
      high: this.high?.[row] ?? value,
      verdict: word === null || word === undefined ? "" : this.words[word],
    };
  }

  label() {
    return this.unit ? `${this.title} (${this.unit})` : this.title;
  }
}

// A cell of `pairs` or of the footer.
export function loose(plain) {
  if (plain === null || plain === undefined) return { why: "no value" };
  if (Array.isArray(plain)) return { text: plain[0] };
  if (typeof plain === "object") {
    if ("why" in plain) return { why: plain.why };
    return { value: number(plain.v), low: number(plain.lo), high: number(plain.hi), verdict: plain.w ?? "" };
  }
  return { value: number(plain) };
}

// The words of a cell: {text, pad, interval, verdict}; "–" for what is not there.
export function wording(column, cell) {
  if (cell.why !== undefined) return { text: "–", pad: "", interval: "", verdict: "" };
  if (cell.text !== undefined) return { text: cell.text, pad: "", interval: "", verdict: "" };
  const places = ownDecimals(cell.value, column.base);
  const text = write(cell.value, places);
  if (column.kind !== "ratio") {
    const pad = Number.isFinite(cell.value) ? missingPlaces(places, column.longest) : "";
    return { text, pad, interval: "", verdict: "" };
  }
  const end = (value) => write(value, ownDecimals(value, column.base));
  const low = cell.low ?? cell.value;
  const high = cell.high ?? cell.value;
  const exact = low === cell.value && high === cell.value;
  return { text: `${text}×`, pad: "", interval: exact ? "" : `${end(low)}–${end(high)}`, verdict: cell.verdict ?? "" };
}
