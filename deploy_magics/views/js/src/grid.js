// The grid: header, rows and footer in the page, only the rows in sight where there are many, and the keys.
import { h } from "./dom.js";
import { guarded } from "./frame.js";
import { footer, header, ratioWidths, row, sizer } from "./rows.js";

const MANY = 25; // beyond this the rows scroll in a window of their own
const AHEAD = 12;

export class Grid {
  constructor(root, state, hooks) {
    this.root = root;
    this.state = state;
    this.hooks = hooks;
    this.selected = new Set();
    this.anchor = null;
    this.active = { position: -1, column: 0 };
    this.drawn = new Map();
    this.rowHeight = 32;
    this.pinnable = state.pinnable();
    this.virtual = state.rows > MANY;
    this.scroll = h("div", { class: this.virtual ? "dm-scroll dm-window" : "dm-scroll", tabindex: -1 });
    this.table = h("table", {
      class: this.virtual ? "dm-table dm-grid dm-virtual" : "dm-table dm-grid",
      role: "grid",
      "aria-multiselectable": "true",
      "aria-label": state.plain.title || "results",
      "data-testid": "dm-table",
    });
    this.scroll.append(this.table);
    const on = (name, handler) => this.scroll.addEventListener(name, guarded(root, handler.bind(this)));
    on("click", this.onClick);
    // With Shift the browser would mark the text between the two clicks.
    on("mousedown", (event) => event.shiftKey && event.target.closest("tr[data-row]") && event.preventDefault());
    on("keydown", this.onKey);
    on("focusin", this.onFocus);
    if (this.virtual) {
      on("scroll", () => this.fill());
      this.watch = new ResizeObserver(guarded(root, () => this.fill(true)));
      this.watch.observe(this.scroll);
    }
    this.draw();
  }

  dispose() {
    this.watch?.disconnect();
  }

  // Everything anew: after sorting, filtering, pinning, or a change of columns.
  draw() {
    const { state } = this;
    const focused = this.root.contains(document.activeElement) && this.scroll.contains(document.activeElement);
    this.columns = state.shownColumns();
    this.widths = new Map(this.columns.filter((c) => c.kind === "ratio").map((c) => [c, ratioWidths(state, c)]));
    this.active.column = Math.min(this.active.column, this.columns.length - 1);
    this.active.position = Math.min(this.active.position, state.order.length - 1);
    this.table.setAttribute("aria-rowcount", state.order.length + 1);
    this.table.setAttribute("aria-colcount", this.columns.length);
    const heads = this.columns.map((column, index) => header(state, column, index));
    this.body = h("tbody", {});
    this.table.replaceChildren(h("thead", {}, h("tr", { role: "row", "aria-rowindex": 1 }, ...heads)), this.body, footer(this));
    this.drawn.clear();
    if (this.virtual) {
      this.above = h("tr", { class: "dm-space", "aria-hidden": "true" }, h("td", { colspan: this.columns.length }));
      this.below = this.above.cloneNode(true);
      this.body.append(sizer(this), this.above, this.below);
      this.range = null;
      this.fill();
    } else {
      this.body.append(...state.order.map((index, position) => this.make(index, position)));
    }
    if (!state.order.length) {
      const said = state.rows ? "No row matches." : "No rows.";
      this.body.append(h("tr", {}, h("td", { class: "dm-quiet", colspan: this.columns.length }, said)));
    }
    this.rove(focused);
  }

  make(index, position) {
    const line = row(this, index, position);
    this.drawn.set(position, line);
    return line;
  }

  // Rows in sight and a few around them; the others are two empty rows of their height.
  fill(measure = false) {
    const first = this.drawn.values().next().value;
    if (measure && first?.offsetHeight) this.rowHeight = first.offsetHeight;
    const total = this.state.order.length;
    const height = this.scroll.clientHeight || MANY * this.rowHeight;
    const from = Math.max(0, Math.min(Math.floor(this.scroll.scrollTop / this.rowHeight), total - 1) - AHEAD);
    const to = Math.min(total, from + Math.ceil(height / this.rowHeight) + 2 * AHEAD);
    if (!measure && this.range && from === this.range[0] && to === this.range[1]) return;
    this.range = [from, to];
    for (const [position, line] of this.drawn) {
      if (position >= from && position < to) continue;
      // The keys go on from where they were, though the cell that had the focus is gone.
      if (line.contains(document.activeElement)) this.scroll.focus({ preventScroll: true });
      line.remove();
      this.drawn.delete(position);
    }
    let after = this.above;
    for (let position = from; position < to; position += 1) {
      let line = this.drawn.get(position);
      if (!line) {
        line = this.make(this.state.order[position], position);
        after.after(line);
      }
      after = line;
    }
    this.above.firstChild.style.height = `${from * this.rowHeight}px`;
    this.below.firstChild.style.height = `${(total - to) * this.rowHeight}px`;
    this.above.hidden = from === 0;
    this.below.hidden = to === total;
  }

  target({ position, column }) {
    if (position < 0) return this.table.tHead.querySelectorAll(".dm-sort")[column];
    const line = this.drawn.get(position);
    return line?.children[Math.min(column, line.children.length - 1)];
  }

  // One cell of the grid can be reached with Tab; the arrow keys go on from there.
  rove(focus = false) {
    this.table.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
    const cell = this.target(this.active) ?? this.target({ position: -1, column: 0 });
    cell?.setAttribute("tabindex", "0");
    if (focus) cell?.focus({ preventScroll: true });
  }

  moveTo(position, column) {
    const last = this.state.order.length - 1;
    this.active = {
      position: Math.max(-1, Math.min(last, position)),
      column: Math.max(0, Math.min(this.columns.length - 1, column)),
    };
    if (this.virtual && this.active.position >= 0) {
      const top = this.active.position * this.rowHeight;
      const head = this.table.tHead.offsetHeight;
      const height = this.scroll.clientHeight - head - (this.table.tFoot?.offsetHeight ?? 0);
      if (top < this.scroll.scrollTop) this.scroll.scrollTop = top;
      else if (top + this.rowHeight > this.scroll.scrollTop + height) this.scroll.scrollTop = top + this.rowHeight - height;
      this.fill();
    }
    this.rove(true);
    if (!this.virtual) this.target(this.active)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  onKey(event) {
    if (event.altKey || event.isComposing) return;
    const { position, column } = this.active;
    const page = Math.max(1, Math.floor((this.scroll.clientHeight || 600) / this.rowHeight) - 2);
    const far = event.ctrlKey || event.metaKey;
    const moves = {
      ArrowDown: [position + 1, column],
      ArrowUp: [position - 1, column],
      ArrowRight: [position, column + 1],
      ArrowLeft: [position, column - 1],
      PageDown: [position + page, column],
      PageUp: [Math.max(0, position - page), column],
      Home: [far ? 0 : position, 0],
      End: [far ? this.state.order.length - 1 : position, this.columns.length - 1],
    };
    if (moves[event.key]) this.moveTo(...moves[event.key]);
    else if (far) return;
    else if (event.key === "Enter" || event.key === " ") {
      if (position < 0) this.sortBy(this.columns[column]);
      else this.select(this.state.order[position], { add: true });
    } else if (event.key === "b" && position >= 0) this.pin(this.state.order[position]);
    else if (event.key === "Escape" && this.selected.size) this.setSelected([], true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  onFocus(event) {
    const cell = event.target.closest("td[data-col], .dm-sort");
    if (!cell) return;
    const line = cell.closest("tr[data-row]");
    const position = line ? Number(line.getAttribute("aria-rowindex")) - 2 : -1;
    this.active = { position, column: Number(cell.dataset.col) };
    this.rove();
  }

  onClick(event) {
    const sort = event.target.closest("th[role=columnheader]");
    if (sort) return this.sortBy(this.columns[Number(sort.getAttribute("aria-colindex")) - 1]);
    const pin = event.target.closest("[data-pin]");
    if (pin) return this.pin(Number(pin.dataset.pin));
    const line = event.target.closest("tr[data-row]");
    // A click that ends the marking of text is not one on the row.
    if (!line || !(window.getSelection()?.isCollapsed ?? true)) return undefined;
    return this.select(Number(line.dataset.row), { add: event.ctrlKey || event.metaKey, range: event.shiftKey });
  }

  sortBy(column) {
    this.state.cycleSort(column);
    this.scroll.scrollTop = 0;
    this.draw();
    this.hooks.onSort?.(this.state.sort);
  }

  pin(index) {
    if (!this.pinnable || this.state.status(index) === "failed" || index === this.state.baseline) return;
    this.state.pin(index);
    this.draw();
    this.hooks.onPin?.(index);
  }

  select(index, { add = false, range = false } = {}) {
    let chosen = new Set(this.selected);
    if (range && this.anchor !== null) {
      const ends = [this.anchor, index].map((each) => this.state.order.indexOf(each)).sort((a, b) => a - b);
      chosen = new Set(this.state.order.slice(Math.max(0, ends[0]), ends[1] + 1));
    } else if (add) {
      if (!chosen.delete(index)) chosen.add(index);
    } else {
      chosen = chosen.size === 1 && chosen.has(index) ? new Set() : new Set([index]);
    }
    if (!range) this.anchor = index;
    this.setSelected([...chosen], true);
  }

  setSelected(indices, told = false) {
    this.selected = new Set(indices);
    for (const line of this.drawn.values()) {
      const on = this.selected.has(Number(line.dataset.row));
      line.classList.toggle("dm-selected", on);
      line.setAttribute("aria-selected", String(on));
    }
    if (told) this.hooks.onSelect?.([...this.selected].sort((a, b) => a - b));
  }
}
