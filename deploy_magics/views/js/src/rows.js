// The elements of one row, of the header and of the footer.
import { BAR, bar } from "./bars.js";
import { wording } from "./cells.js";
import { h, short } from "./dom.js";

// Widths of characters in the width of a figure; the rest, letters mostly, is as wide.
const WIDTHS = { ".": 0.56, ",": 0.56, "–": 0.9, "×": 1.32, "−": 1.32, "∞": 1.4 };

function ch(text) {
  let sum = 0;
  for (const char of text) sum += WIDTHS[char] ?? 1;
  return Math.ceil(sum * 10) / 10;
}

export function header(state, column, index) {
  const sorted = state.sort?.column === column ? state.sort.direction : "none";
  const arrow = sorted === "ascending" ? "▲" : sorted === "descending" ? "▼" : "";
  const button = h(
    "button",
    { type: "button", class: "dm-sort", tabindex: -1, "data-testid": `dm-sort-${column.key}`, "data-col": index },
    h("span", { class: "dm-sort-title" }, column.title || " "),
    h("span", { class: "dm-arrow", "aria-hidden": "true" }, arrow),
  );
  const side = index === 0 || !column.numeric || column.kind === "ratio" ? "dm-text" : "dm-num";
  return h(
    "th",
    { role: "columnheader", scope: "col", class: side, "aria-sort": sorted, "aria-colindex": index + 1, title: tip(column) },
    button,
    column.unit ? h("span", { class: "dm-unit" }, column.unit) : "",
  );
}

function tip(column) {
  const order = column.better ? `${column.better} is better` : "";
  return [column.help, order].filter(Boolean).join(" · ") || null;
}

// How wide the parts of a ratio are, so that they stand in line from row to row.
export function ratioWidths(state, column) {
  const widest = state.widest(column);
  // A bold figure is a little wider, and no font is quite like another.
  return { value: 1.08 * ch(widest.text), interval: 1.04 * ch(widest.interval), verdict: 0.92 * ch(widest.verdict) };
}

export function row(view, index, position) {
  const { state } = view;
  const status = state.status(index);
  const baseline = index === state.baseline;
  const selected = view.selected.has(index);
  const classes = ["dm-row", baseline && "dm-baseline", status !== "ok" && `dm-${status}`, selected && "dm-selected"];
  const line = h("tr", {
    role: "row",
    class: classes.filter(Boolean).join(" "),
    "data-row": index,
    "data-testid": `dm-row-${index}`,
    "aria-rowindex": position + 2,
    "aria-selected": selected ? "true" : "false",
  });
  const columns = view.columns;
  line.append(nameCell(view, index, status, baseline));
  if (status === "failed" && columns.length > 1) {
    const said = h("div", { class: "dm-cell" }, h("b", {}, "failed"), ` ${state.note(index)}`);
    line.append(gridCell(1, { class: "dm-failed", colspan: columns.length - 1, title: state.note(index) || null }, said));
    return line;
  }
  for (let at = 1; at < columns.length; at += 1) line.append(cell(view, columns[at], index, at));
  return line;
}

function gridCell(at, attributes, ...children) {
  return h("td", { role: "gridcell", tabindex: -1, "data-col": at, "aria-colindex": at + 1, ...attributes }, ...children);
}

function nameCell(view, index, status, baseline) {
  const { state } = view;
  const hue = state.plain.hues[index];
  const name = state.name(index);
  const swatch = hue ? h("span", { class: "dm-swatch", style: { backgroundColor: hue }, "aria-hidden": "true" }) : "";
  const parts = [h("span", { class: name.length <= 32 ? "dm-nowrap" : null }, swatch, h("bdi", {}, short(name, 120)))];
  if (baseline) parts.push(h("span", { class: "dm-mark", "data-testid": "dm-baseline" }, "baseline"));
  else if (view.pinnable && status !== "failed") {
    parts.push(
      h(
        "button",
        {
          type: "button",
          class: "dm-mark dm-pin",
          tabindex: -1,
          title: "Make this row the baseline (b)",
          "aria-label": `pin ${name} as the baseline`,
          "data-testid": `dm-pin-${index}`,
          "data-pin": index,
        },
        "pin",
      ),
    );
  }
  const note = status === "failed" ? "" : state.note(index);
  const said = status === "partial" ? (note ? `cut short: ${note}` : "cut short") : note;
  const below = said ? h("div", { class: "dm-below dm-quiet" }, said) : "";
  return gridCell(0, { class: "dm-name", title: name.length > 40 || said ? [name, said].filter(Boolean).join("\n") : null },
    h("div", { class: "dm-cell" }, h("div", { class: "dm-name-line" }, ...parts), below));
}

function cell(view, column, index, at) {
  const found = view.state.cell(column, index);
  const words = wording(column, found);
  const best = view.state.best(column).has(index);
  if (column.kind === "ratio") {
    const attributes = { class: "dm-ratio", title: found.why ?? null };
    return gridCell(at, attributes, ratio(view, column, found, words, view.state.plain.hues[index], best));
  }
  const classes = [column.numeric ? "dm-num" : "dm-text", best && "dm-best", found.why !== undefined && "dm-quiet"];
  const attributes = { class: classes.filter(Boolean).join(" "), title: found.why ?? null };
  const text = words.text + words.pad;
  if (!column.numeric && text.length > 40) attributes.title = text;
  if (column.numeric && /^[<>]/.test(text)) attributes.title = found.value.toPrecision(4);
  // A verdict is a word or two, and no narrow table should break it.
  const fold = column.kind === "verdict" ? "dm-cell dm-nowrap" : "dm-cell";
  return gridCell(at, attributes, h("div", { class: fold }, text));
}

function ratio(view, column, found, words, hue, best) {
  const widths = view.widths.get(column);
  // Each part has the same width in all rows, whatever stands in it: it may reach into the gap, but moves nothing.
  const part = (name, text, wide) =>
    wide ? h("span", { class: name, style: { width: `${wide.toFixed(2)}ch` } }, text) : "";
  const said = best ? h("b", { class: "dm-best" }, words.text) : words.text;
  return h(
    "div",
    { class: "dm-cell dm-ratio-parts" },
    bar(found, view.state.span(column), hue),
    part(found.why ? "dm-ratio-value dm-quiet" : "dm-ratio-value", said, widths.value),
    part("dm-ratio-interval", words.interval, widths.interval),
    part("dm-ratio-verdict", words.verdict, widths.verdict),
  );
}

export function footer(view) {
  const { state } = view;
  if (!state.footer) return "";
  const cells = view.columns.map((column, at) => {
    const found = state.footer[column.index];
    const words = found.why === undefined || found.why !== "no value" ? wording(column, found) : { text: "", pad: "" };
    const text = at === 0 ? words.text || "total" : words.text + words.pad;
    return h("td", { role: "gridcell", class: at === 0 ? "dm-name" : column.numeric ? "dm-num" : "dm-text" }, text);
  });
  return h("tfoot", {}, h("tr", { role: "row", class: "dm-total", "data-testid": "dm-total" }, ...cells));
}

// A row of no height that holds each column's longest wording: it gives the columns their width, so that nothing moves
// while rows come and go under the reader's hand.
export function sizer(view) {
  const cells = view.columns.map((column, at) => {
    const widest = view.state.widest(column);
    if (column.kind === "ratio") {
      const { value, interval, verdict } = view.widths.get(column);
      return h("td", {}, h("div", { style: { width: `calc(${BAR + 27}px + ${(value + interval + verdict).toFixed(2)}ch)` } }));
    }
    const extra = at === 0 ? ` ■ ${view.pinnable || view.state.baseline >= 0 ? " baseline " : ""}` : "";
    return h("td", {}, h("div", {}, widest.text.slice(0, 64) + widest.pad + extra));
  });
  return h("tr", { class: "dm-sizer", "aria-hidden": "true" }, ...cells);
}
