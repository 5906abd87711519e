// The tasks of a search, a row each. Rows keep their order and columns their width: only figures change.
import { h } from "./dom.js";
import { write } from "./numbers.js";

const HEADS = [
  ["task", "", "dm-name"],
  ["share", "of time", "dm-text"],
  ["current", "GFLOPS", ""],
  ["best", "GFLOPS", ""],
  ["trials", "", ""],
  ["time", "s", ""],
  ["state", "", "dm-text"],
];
const SCALES = [0.25, 0.5, 1];
const EMPTY = [null, null, 0, 0, 0, 0, "waiting"];

export class Tasks {
  constructor() {
    this.rows = [];
    this.names = null;
    this.body = h("tbody");
    const heads = HEADS.map(([title, unit, side]) => h("th", { class: side, scope: "col" }, title, h("span", { class: "dm-unit" }, unit)));
    this.table = h("table", { class: "dm-table dm-grid dm-tasks-table", "data-testid": "dm-tasks" }, h("thead", {}, h("tr", {}, ...heads)), this.body);
    this.window = h("div", { class: "dm-tasks-window", tabindex: 0, role: "region", "aria-label": "Tasks" }, this.table);
    this.said = h("button", { type: "button", class: "dm-tasks-said", title: "Show it in the table", onclick: () => this.reveal() });
    this.counted = h("span", { "data-testid": "dm-tasks-counted" });
    this.root = h("div", { class: "dm-tasks" }, this.window, h("div", { class: "dm-tasks-foot" }, this.counted, this.said));
  }

  draw(names, figures) {
    if (JSON.stringify(names) !== JSON.stringify(this.names)) {
      this.names = names;
      this.rows = names.map((name, index) => new Row(name, index));
      this.body.replaceChildren(...this.rows.map((row) => row.node));
    }
    let done = 0;
    this.active = -1;
    const every = names.map((_, index) => figures(index) ?? EMPTY);
    // The same for all rows, and seldom another.
    const places = every.some(([current, best]) => Math.max(current, best) >= 999.995) ? 1 : 2;
    const scale = SCALES.find((most) => every.every((row) => row[5] <= most)) ?? 1;
    this.rows.forEach((row, index) => {
      const now = every[index];
      row.draw(now, places, scale);
      if (now[6] === "done") done += 1;
      if (now[6] === "active" && this.active < 0) this.active = index;
    });
    put(this.counted, names.length === 1 ? "" : `${done} of ${names.length} tasks done`);
    put(this.said, this.active < 0 || names.length === 1 ? "" : `now ${this.active + 1}: ${names[this.active]}`);
  }

  // Only when asked: a table that scrolls by itself takes away what is being read.
  reveal() {
    if (this.active < 0) return;
    const row = this.rows[this.active].node;
    this.window.scrollTop = row.offsetTop - (this.window.clientHeight - row.offsetHeight) / 2;
  }
}

class Row {
  constructor(name, index) {
    this.cells = HEADS.slice(2).map(([, , side]) => h("td", { class: side }));
    this.fill = h("i");
    this.part = h("span");
    this.share = h("td", { class: "dm-text" }, h("span", { class: "dm-share" }, this.fill), this.part);
    const label = h("td", { class: "dm-name", title: name }, h("div", {}, h("bdi", {}, name)));
    this.node = h("tr", { "data-testid": `dm-task-${index}` }, label, this.share, ...this.cells);
  }

  draw(figures, places, scale) {
    const key = JSON.stringify([figures, places, scale]);
    if (key === this.key) return;
    this.key = key;
    const [current, best, trials, planned, seconds, share, state] = figures;
    this.fill.style.width = `${Math.max(0, Math.min(100, (100 * share) / scale))}%`;
    put(this.part, `${write(100 * share, 0)} %`);
    this.share.title = `${write(100 * share, 1)} % of the model's time`;
    const texts = [speed(current, places), speed(best, places), planned ? `${trials}/${planned}` : `${trials}`, write(seconds, 1), state];
    this.cells.forEach((cell, index) => put(cell, texts[index]));
    this.node.className = `dm-task-${state}`;
  }
}

function speed(value, places) {
  return value === null ? "–" : write(value, places);
}

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
