// What can be done with the whole table: filter rows, choose columns, copy.
import { copy, csv, markdown } from "./copy.js";
import { h, uniqueId } from "./dom.js";
import { count } from "./numbers.js";

const MANY_ROWS = 8;
const FEW_COLUMNS = 4;
const MANY_COLUMNS = 24;

export class Toolbar {
  constructor(state, hooks) {
    this.state = state;
    this.hooks = hooks;
    this.said = h("span", { class: "dm-said", role: "status", "aria-live": "polite", "data-testid": "dm-said" });
    this.bar = h("div", { class: "dm-toolbar", "data-testid": "dm-toolbar" });
    this.panel = "";
    if (state.rows > MANY_ROWS) this.bar.append(this.filter());
    this.bar.append(this.said, h("span", { class: "dm-spring" }));
    const hides = state.visible.size < state.columns.length;
    if (hides || state.columns.length > FEW_COLUMNS) this.bar.append(this.chooser());
    this.bar.append(
      h("div", { class: "dm-switch", role: "group" }, this.copier("Copy Markdown", "Markdown", markdown), this.copier("CSV", "CSV", csv)),
    );
    this.update();
  }

  filter() {
    const field = h("input", {
      type: "search",
      class: "dm-filter",
      placeholder: "Filter rows",
      "aria-label": "Filter rows",
      "data-testid": "dm-filter",
      oninput: this.hooks.guard(() => {
        this.state.setQuery(field.value);
        this.hooks.onChange();
        this.update();
      }),
    });
    return field;
  }

  chooser() {
    const id = uniqueId("dm-columns");
    this.columnsButton = h("button", {
      type: "button",
      class: "dm-button",
      "aria-expanded": "false",
      "aria-controls": id,
      "data-testid": "dm-columns",
      onclick: this.hooks.guard(() => this.toggle()),
    });
    this.panel = h("div", { class: "dm-panel", id, hidden: true, role: "group", "aria-label": "Columns", "data-testid": "dm-columns-panel" });
    return this.columnsButton;
  }

  // The list of columns is made when it is first asked for: there may be hundreds.
  toggle() {
    if (!this.panel.firstChild) this.fillPanel();
    this.panel.hidden = !this.panel.hidden;
    this.columnsButton.setAttribute("aria-expanded", String(!this.panel.hidden));
  }

  fillPanel() {
    const boxes = this.state.columns.slice(1).map((column) => {
      const box = h("input", {
        type: "checkbox",
        "data-testid": `dm-column-${column.key}`,
        onchange: this.hooks.guard(() => {
          if (box.checked) this.state.visible.add(column);
          else this.state.visible.delete(column);
          this.hooks.onChange();
          this.update();
        }),
      });
      box.checked = this.state.visible.has(column);
      return h("label", { title: column.help || null }, box, column.title, column.unit ? h("span", { class: "dm-unit" }, column.unit) : "");
    });
    const list = h("div", { class: "dm-panel-list" }, ...boxes);
    if (boxes.length > MANY_COLUMNS) {
      const field = h("input", { type: "search", class: "dm-filter", placeholder: "Find a column", "aria-label": "Find a column" });
      field.addEventListener("input", () => {
        const word = field.value.toLowerCase();
        for (const box of boxes) box.hidden = !box.textContent.toLowerCase().includes(word);
      });
      this.panel.append(field);
    }
    this.panel.append(list);
  }

  copier(label, name, make) {
    return h(
      "button",
      {
        type: "button",
        class: "dm-button",
        title: `Copy the table as ${name}`,
        "data-testid": `dm-copy-${name.toLowerCase()}`,
        onclick: this.hooks.guard(async () => {
          const done = await copy(make(this.state), this.bar.parentNode);
          this.say(done ? `Copied ${count(this.state.order.length)} rows as ${name}` : "Press Ctrl+C to copy the marked text");
        }),
      },
      label,
    );
  }

  say(text) {
    this.said.textContent = text;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.update(), 4000);
  }

  update() {
    const { state } = this;
    this.said.textContent = state.query ? `${count(state.order.length)} of ${count(state.rows)} rows` : "";
    if (this.columnsButton) {
      this.columnsButton.textContent = `Columns ${state.visible.size} of ${state.columns.length}`;
    }
  }
}
