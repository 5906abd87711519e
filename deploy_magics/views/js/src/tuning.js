// A search for faster code: the line of long work, its tasks, and the model's latency as it falls.
import { bar } from "./bar.js";
import { h } from "./dom.js";
import { frame, guarded, showError } from "./frame.js";
import { Steps } from "./steps.js";
import { Tasks } from "./tasks.js";

const NARROWEST = 240;
const WIDEST = 560;

function render({ model, el }) {
  const root = frame(el, "");
  try {
    const ends = [bar(model, root), draw(model, root)];
    return () => ends.forEach((end) => end());
  } catch (error) {
    showError(root, error);
    return undefined;
  }
}

function draw(model, root) {
  const tasks = new Tasks();
  const steps = new Steps("s", "ms", model.get("hue"));
  const said = h("div", { class: "dm-steps-said", "data-testid": "dm-steps-said" });
  const title = h("div", { class: "dm-steps-title dm-quiet" }, "Estimated latency of the model (ms)");
  const chart = h("div", { class: "dm-chart" }, title, said, steps.svg);
  root.append(h("div", { class: "dm-tuning", "data-testid": "dm-tuning" }, tasks.root, chart));

  let width = NARROWEST;
  const drawChart = () => {
    const points = [];
    for (let part = 0; part < model.get("parts"); part += 1) points.push(...(model.get(`curve${part}`) ?? []));
    const told = model.get("said");
    const still = points.length ? "no improvement yet" : "no estimate yet";
    const changed = told && points.some(([, value]) => value !== points[0][1]);
    said.textContent = changed ? told : still;
    said.classList.toggle("dm-steps-still", !changed);
    steps.draw(width, points, model.get("now"), false, told);
  };
  const show = guarded(root, () => {
    tasks.draw(model.get("names") ?? [], (index) => model.get(`row${index}`));
    drawChart();
  });
  // Every report tells the time it was made, and comes as one message: all it changed is there by now.
  model.on("change:elapsed", show);
  show();
  const watch = new ResizeObserver(
    guarded(root, ([entry]) => {
      const found = Math.round(Math.max(NARROWEST, Math.min(WIDEST, entry.contentRect.width)));
      if (!entry.contentRect.width || found === width) return;
      width = found;
      drawChart();
    }),
  );
  watch.observe(chart);
  return () => {
    watch.disconnect();
    model.off("change:elapsed", show);
  };
}

export default { render };
