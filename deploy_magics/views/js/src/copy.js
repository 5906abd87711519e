// The table as Markdown and as CSV: the columns and rows that are seen, in the order in which they are seen.
import { wording } from "./cells.js";
import { h } from "./dom.js";

// A spreadsheet runs a text that begins so as a formula, and names come from files that others made.
const FORMULA = /^[=+@\t\r]|^-(?![\d.])/;

export function markdown(state) {
  const columns = state.shownColumns();
  const lines = [
    columns.map((column) => plain(column.label())),
    columns.map((column) => (column.numeric ? "---:" : ":---")),
    ...state.order.map((row) => columns.map((column, index) => markdownCell(state, column, row, index))),
  ];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n") + "\n";
}

function markdownCell(state, column, row, index) {
  if (state.status(row) === "failed" && index > 0) return index === 1 ? plain(`failed: ${state.note(row)}`) : "";
  const words = wording(column, state.cell(column, row));
  const parts = [words.text, words.interval && `(${words.interval})`, words.verdict].filter(Boolean);
  const text = plain(parts.join(" "));
  if (index === 0 && row === state.baseline) return `${text} (baseline)`;
  return state.best(column).has(row) ? `**${text}**` : text;
}

function plain(text) {
  return text.replace(/[\\`*_<>|[\]~]/g, "\\$&").replace(/\s+/g, " ");
}

export function csv(state) {
  const columns = state.shownColumns();
  const intervals = (column) => column.kind === "ratio" && (column.lo || state.plain.pairs[column.key]);
  const header = [];
  for (const column of columns) {
    header.push(column.label());
    if (intervals(column)) header.push(`${column.title} low`, `${column.title} high`, `${column.title} verdict`);
  }
  const odd = state.order.some((row) => state.status(row) !== "ok");
  if (odd) header.push("status", "note");
  const lines = [header.map(quoted)];
  for (const row of state.order) {
    const line = [];
    for (const column of columns) {
      const cell = state.cell(column, row);
      line.push(cell.why !== undefined ? "" : cell.text !== undefined ? quoted(cell.text) : String(cell.value));
      if (intervals(column)) line.push(...[cell.low, cell.high].map((end) => String(end ?? "")), quoted(cell.verdict ?? ""));
    }
    if (odd) line.push(state.status(row), quoted(state.note(row)));
    lines.push(line);
  }
  return lines.map((line) => line.join(",")).join("\r\n") + "\r\n";
}

function quoted(text) {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

// Put a text on the clipboard. Where the page may not, show it selected, ready for the keys that copy.
export async function copy(text, root) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Not a secure page, or not allowed: the old way needs an element.
  }
  const box = h("textarea", { class: "dm-copy-box", "data-testid": "dm-copy-box", rows: 6, "aria-label": "Text to copy" });
  box.value = text;
  root.append(box);
  box.select();
  if (document.execCommand("copy")) {
    box.remove();
    return true;
  }
  box.addEventListener("blur", () => box.remove());
  return false;
}
