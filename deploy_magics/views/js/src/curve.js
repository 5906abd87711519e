// A curve of a result: how a figure changed while the step worked.
import { h } from "./dom.js";
import { frame, guarded, head, notes, showError } from "./frame.js";
import { Steps } from "./steps.js";

const NARROWEST = 300;
const WIDEST = 720;

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
  const { curve, head: top, notes: below } = JSON.parse(model.get("data"));
  const steps = new Steps(curve.unitX, curve.unitY, curve.hue);
  const title = h("div", { class: "dm-title" }, curve.title);
  const said = curve.said ? h("div", { class: "dm-steps-said", "data-testid": "dm-steps-said" }, curve.said) : "";
  const parts = [head(top), title, said, h("div", { class: "dm-figure" }, steps.svg), notes(below)];
  root.append(...parts.filter(Boolean));
  const show = (width) => steps.draw(width, curve.points, curve.points.at(-1)[0], true, curve.said);
  let width = WIDEST;
  show(width);
  const watch = new ResizeObserver(
    guarded(root, ([entry]) => {
      const found = Math.round(Math.max(NARROWEST, Math.min(WIDEST, entry.contentRect.width)));
      if (!entry.contentRect.width || found === width) return;
      width = found;
      show(width);
    }),
  );
  watch.observe(root);
  return () => watch.disconnect();
}

export default { render };
