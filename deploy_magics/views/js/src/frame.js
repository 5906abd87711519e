// What every widget stands in: its style sheet, the rule that hides the static HTML, headline, notes, and errors shown
// where the reader looks.
import look from "../../static/look.css";
import own from "./widget.css";
import { h } from "./dom.js";

export function frame(el, uid) {
  const root = h("div", {
    class: "dm dm-widget",
    "data-testid": "dm-widget",
    // JupyterLab's command mode would otherwise take the keys: "b" inserts a cell.
    "data-lm-suppress-shortcuts": "true",
    "data-p-suppress-shortcuts": "true",
  });
  root.append(h("style", {}, look + own + hiding(uid)));
  el.append(root);
  return root;
}

// The rule lives and dies with the widget's element; nothing has to put the HTML back. In JupyterLab the output's
// whole line goes, so that no gap is left.
function hiding(uid) {
  if (!/^[A-Za-z0-9]+$/.test(uid ?? "")) return "";
  const output = `.jp-OutputArea-child:has(> .jp-OutputArea-output > .dm-static-${uid})`;
  return `.dm-static-${uid}{display:none}\n${output}{display:none}`;
}

// Run one step of drawing or an event handler; an error is shown under the widget instead of in a console only.
export function guarded(root, work) {
  return (...args) => {
    try {
      const result = work(...args);
      if (result instanceof Promise) return result.catch((error) => showError(root, error));
      return result;
    } catch (error) {
      showError(root, error);
      return undefined;
    }
  };
}

export function showError(root, error) {
  const text = `${error?.name ?? "Error"}: ${error?.message ?? error}`;
  let box = root.querySelector(":scope > .dm-js-error");
  if (!box) {
    box = h("div", { class: "dm-js-error", role: "alert", "data-testid": "dm-js-error" });
    root.append(box);
  }
  box.replaceChildren(
    h("b", {}, "This view failed. "),
    text,
    h("details", {}, h("summary", {}, "where"), h("pre", {}, String(error?.stack ?? ""))),
  );
}

export function head(data) {
  if (!data) return "";
  const parts = [];
  if (data.headline) parts.push(h("div", { class: "dm-headline", "data-testid": "dm-headline" }, data.headline));
  if (data.interrupted) {
    parts.push(
      h("div", { class: "dm-banner", "data-testid": "dm-interrupted" }, h("b", {}, "Interrupted."), " What was measured until then is kept."),
    );
  }
  if (data.facts?.length) {
    const facts = h("div", { class: "dm-facts" });
    data.facts.forEach(([name, value], index) => {
      if (index) facts.append(h("i", {}, " · "));
      facts.append(`${name} `, h("b", {}, value));
    });
    parts.push(facts);
  }
  return h("div", { class: "dm-head" }, ...parts);
}

export function notes(found) {
  if (!found?.length) return "";
  return h(
    "div",
    { class: "dm-notes", "data-testid": "dm-notes" },
    ...found.map(([level, text]) =>
      level === "warning"
        ? h("div", { class: "dm-note dm-warning" }, h("b", {}, "Note:"), ` ${text}`)
        : h("div", { class: "dm-note" }, text),
    ),
  );
}
