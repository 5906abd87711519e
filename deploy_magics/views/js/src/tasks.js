// The tasks of a search, a row each. Rows keep their order and columns their width: only figures change.
import { h } from "./dom.js";
import { write } from "./numbers.js";

const HEADS = [
  ["task", "", "dm-name"],
  ["share", "of the model", "dm-text dm-task-share"],
  ["current", "GFLOPS", ""],
  ["best", "GFLOPS", ""],
  ["trials", "", ""],
  ["time", "s", ""],
  ["state", "", "dm-text"],
];
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
    this.rows.forEach((row, index) => {
      const now = figures(index) ?? EMPTY;
      row.draw(now);
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
    const share = h("td", { class: "dm-text dm-task-share" }, h("span", { class: "dm-share" }, this.fill), this.part);
    const label = h("td", { class: "dm-name", title: name }, h("bdi", {}, name));
    this.node = h("tr", { "data-testid": `dm-task-${index}` }, label, share, ...this.cells);
  }

  draw(figures) {
    const key = JSON.stringify(figures);
    if (key === this.key) return;
    this.key = key;
    const [current, best, trials, planned, seconds, share, state] = figures;
    this.fill.style.width = `${Math.max(0, Math.min(100, 100 * share))}%`;
    put(this.part, `${write(100 * share, 0)} %`);
    const texts = [speed(current), speed(best), planned ? `${trials}/${planned}` : `${trials}`, write(seconds, 1), state];
    this.cells.forEach((cell, index) => put(cell, texts[index]));
    this.node.className = `dm-task-${state}`;
  }
}

function speed(value) {
  return value === null ? "–" : write(value, 2);
}

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
