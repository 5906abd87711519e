// ComparisonTable: rows that can be sorted, filtered, compared with any of them, selected and copied.
import { h } from "./dom.js";
import { frame, guarded, head, notes, showError } from "./frame.js";
import { Grid } from "./grid.js";
import { count } from "./numbers.js";
import { TableState } from "./state.js";
import { Toolbar } from "./toolbar.js";

function render({ model, el }) {
  const root = frame(el, model.get("uid"));
  try {
    return draw(model, root);
  } catch (error) {
    showError(root, error);
    return undefined;
  }
}

function draw(model, root) {
  const started = performance.now();
  const data = JSON.parse(model.get("data"));
  const state = new TableState(data.table);
  const pinned = model.get("baseline");
  if (pinned !== state.baseline && pinned >= 0 && pinned < state.rows) state.pin(pinned);
  const save = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const guard = (work) => guarded(root, work);
  const grid = new Grid(root, state, {
    onSelect: (rows) => save("selected", rows),
    onPin: (row) => save("baseline", row),
  });
  const toolbar = new Toolbar(state, { guard, onChange: () => grid.draw() });
  grid.setSelected(model.get("selected"));

  if (data.table.title) toolbar.bar.prepend(h("div", { class: "dm-title" }, data.table.title));
  const body = h("div", { class: "dm-body" }, toolbar.bar, toolbar.panel, grid.scroll);
  root.append(
    ...[head(data.head), body, left(data.table)].filter(Boolean),
    ...data.table.notes.map((note) => h("div", { class: "dm-note" }, note)),
    notes(data.notes),
  );

  const onSelected = guard(() => grid.setSelected(model.get("selected")));
  const onBaseline = guard(() => {
    if (model.get("baseline") !== state.baseline) {
      state.pin(model.get("baseline"));
      grid.draw();
    }
  });
  model.on("change:selected", onSelected);
  model.on("change:baseline", onBaseline);
  root.dataset.drawMs = (performance.now() - started).toFixed(1);
  return () => {
    model.off("change:selected", onSelected);
    model.off("change:baseline", onBaseline);
    grid.dispose();
  };
}

function left({ rowsLeft, columnsLeft }) {
  const parts = [rowsLeft && `${count(rowsLeft)} more rows`, columnsLeft && `${count(columnsLeft)} more columns`];
  const said = parts.filter(Boolean).join(" and ");
  return said ? h("div", { class: "dm-note" }, `and ${said}; to_dataframe() has all`) : "";
}

export default { render };
