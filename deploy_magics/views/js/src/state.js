// The table without its drawing: which rows are seen, in which order, compared with which, and which value is best.
import { Column, loose, wording } from "./cells.js";
import { ownDecimals, write } from "./numbers.js";

const MAX_SHOWN = 8;
const MAX_BEST = 3; // a best value that more rows share distinguishes none of them
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

// Whether a ratio's interval leaves open which side of 1 it is on.
function unsure({ value, low, high }) {
  return !(low === value && high === value) && low <= 1 && high >= 1;
}

export class TableState {
  constructor(plain) {
    this.plain = plain;
    this.rows = plain.rows;
    this.columns = plain.columns.map((column, index) => new Column(column, plain.rows, index));
    this.byKey = new Map(this.columns.map((column) => [column.key, column]));
    this.original = plain.baseline;
    this.baseline = plain.baseline;
    this.sort = null;
    this.query = "";
    const wanted = this.columns.slice(1).filter((column) => column.shown);
    // A verdict, such as who meets the goals, comes on top of the figures and costs none of them its place.
    const most = MAX_SHOWN - 1 + wanted.filter((column) => column.kind === "verdict").length;
    this.visible = new Set([this.columns[0], ...wanted.slice(0, most)]);
    this.footer = plain.footer?.map(loose);
    this.order = [];
    this.arrange();
  }

  shownColumns() {
    return this.columns.filter((column) => this.visible.has(column));
  }

  status(row) {
    return this.plain.status[row]?.[0] ?? "ok";
  }

  note(row) {
    return this.plain.status[row]?.[1] ?? "";
  }

  name(row) {
    const cell = this.columns[0].cell(row);
    return wording(this.columns[0], cell).text;
  }

  // Whether any ratio can follow another baseline.
  pinnable() {
    return this.rows > 1 && this.columns.some((column) => this.plain.pairs[column.key] || this.source(column));
  }

  source(column) {
    return column.kind === "ratio" && column.of ? this.byKey.get(column.of) : undefined;
  }

  // A cell against the baseline of the moment: from the measured pairs, else by dividing, else not known.
  cell(column, row) {
    if (this.baseline === this.original || !this.follows(column)) return column.cell(row);
    const pairs = this.plain.pairs[column.key];
    if (pairs) return loose(pairs[this.baseline]?.[row]);
    const source = this.source(column);
    if (!source) return { why: `known only against ${this.original < 0 ? "the step's own" : this.name(this.original)}` };
    const value = source.values[row] / source.values[this.baseline];
    return Number.isNaN(value) ? { why: `no ${source.title} to divide` } : { value, low: value, high: value, verdict: "" };
  }

  follows(column) {
    return this.pinnable() && (column.kind === "ratio" || this.plain.pairs[column.key] !== undefined);
  }

  // What a cell is sorted and compared by: a number, a text, or undefined for what is not there.
  key(column, row) {
    const cell = this.cell(column, row);
    if (cell.why !== undefined) return undefined;
    if (cell.text !== undefined) return cell.text;
    return Number.isNaN(cell.value) ? undefined : cell.value;
  }

  setQuery(query) {
    this.query = query;
    this.arrange();
  }

  // First the direction in which the best comes first, else texts from A and figures from the largest; then the
  // other; then the order in which the rows came.
  cycleSort(column) {
    const first = column.better === "lower" || (!column.better && !column.numeric) ? "ascending" : "descending";
    const second = first === "ascending" ? "descending" : "ascending";
    if (this.sort?.column !== column) this.sort = { column, direction: first };
    else if (this.sort.direction === first) this.sort = { column, direction: second };
    else this.sort = null;
    this.arrange();
  }

  pin(row) {
    this.baseline = row;
    this.arrange();
  }

  arrange() {
    const order = this.matching();
    if (this.sort) {
      const { column, direction } = this.sort;
      const sign = direction === "ascending" ? 1 : -1;
      const keys = new Array(this.rows);
      for (const row of order) keys[row] = this.key(column, row);
      // Array.prototype.sort is stable. What is not there comes last in both directions.
      order.sort((a, b) => {
        const x = keys[a];
        const y = keys[b];
        if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
        if (typeof x === "number" && typeof y === "number") return sign * (x - y || 0);
        return sign * collator.compare(String(x), String(y));
      });
    }
    this.order = order;
    this.found = new Map();
    this.spans = new Map();
  }

  matching() {
    const words = this.query.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [];
    for (let row = 0; row < this.rows; row += 1) {
      if (!words.length || words.every((word) => this.haystack(row).includes(word))) rows.push(row);
    }
    return rows;
  }

  haystack(row) {
    this.hay ??= [];
    this.hay[row] ??= [...this.columns.filter((c) => !c.numeric).map((c) => c.texts[row] ?? ""), this.note(row)]
      .join("\n")
      .toLowerCase();
    return this.hay[row];
  }

  // The rows, among those seen, whose value is the column's best as it is written.
  best(column) {
    let best = this.found.get(column);
    if (!best) {
      best = this.findBest(column);
      this.found.set(column, best);
    }
    return best;
  }

  findBest(column) {
    if (!column.better) return new Set();
    const known = [];
    for (const row of this.order) {
      if (["failed", "wrong"].includes(this.status(row))) continue;
      const value = this.key(column, row);
      if (typeof value === "number" && Number.isFinite(value)) known.push([row, value]);
    }
    if (known.length < 2) return new Set();
    let top = known[0][1];
    for (const [, value] of known) if (column.better === "lower" ? value < top : value > top) top = value;
    if (column.kind === "ratio" && !this.clear(column, known, top)) return new Set();
    const written = write(top, ownDecimals(top, column.base));
    const close = known.filter(([, value]) => write(value, ownDecimals(value, column.base)) === written);
    if (close.length === known.length || close.length > MAX_BEST) return new Set();
    const best = new Set(close.map(([row]) => row));
    return column.kind === "number" && !this.differs(best) ? new Set() : best;
  }

  // Whether rows are shown to differ from the others seen; so they are where nothing was compared with an interval.
  differs(best) {
    for (const column of this.columns) {
      if (column.kind !== "ratio" || !column.low) continue;
      const pairs = this.plain.pairs[column.key];
      for (const row of best) {
        const compared = pairs || row === this.original ? this.order.filter((other) => !best.has(other)) : [row];
        if (compared.some((other) => unsure(pairs ? loose(pairs[row]?.[other]) : column.cell(other)))) return false;
      }
    }
    return true;
  }

  // Whether the best of some ratios is shown to differ from 1, or from the baseline's where that is the best.
  clear(column, known, top) {
    const best = this.cell(column, known.find(([, value]) => value === top)[0]);
    if (best.low !== best.value || best.high !== best.value) return !unsure(best);
    return top !== 1 || known.every(([row]) => !unsure(this.cell(column, row)));
  }

  // How far a column's bars reach: the farthest ratio seen, at least 1.25, so that half a per cent looks like little.
  span(column) {
    let span = this.spans.get(column);
    if (span === undefined) {
      span = 1.25;
      for (const row of this.order) {
        const { value, low, high } = this.cell(column, row);
        for (const end of [value, Math.min(high, value * 2), Math.max(low, value / 2)]) {
          if (Number.isFinite(end) && end > 0) span = Math.max(span, end, 1 / end);
        }
      }
      span = Math.min(span, 1000);
      this.spans.set(column, span);
    }
    return span;
  }

  // The longest wording of a column, to give it its width before its rows are drawn.
  widest(column) {
    let longest = { text: "", pad: "", interval: "", verdict: "" };
    const take = (cell) => {
      const words = wording(column, cell);
      for (const part of ["text", "interval", "verdict"]) {
        if (words[part].length > longest[part].length) longest = { ...longest, [part]: words[part] };
      }
      if (words.pad.length > longest.pad.length) longest.pad = words.pad;
    };
    if (column.kind === "ratio" || !column.numeric) {
      for (let row = 0; row < this.rows; row += 1) take(this.cell(column, row));
    } else {
      let low = Infinity;
      let high = -Infinity;
      for (let row = 0; row < this.rows; row += 1) {
        const value = column.values[row];
        if (value < low) low = value;
        if (value > high) high = value;
        if (column.known[row] === 2) take({ text: column.texts[row] });
      }
      for (const value of [low, high]) if (Number.isFinite(value)) take({ value });
      if (column.longest > column.base) longest.pad = "\u2007".repeat(column.longest - column.base);
    }
    if (this.footer) take(this.footer[column.index]);
    return longest;
  }
}
