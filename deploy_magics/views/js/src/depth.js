// Figures along the depth of a network, drawn by the kernel; a layer that is clicked shows its two distributions.
import { h, s } from "./dom.js";
import { linearTicks } from "./axis.js";
import { frame, guarded, head, notes, showError } from "./frame.js";

const WIDE = 760;
const TALL = 110;
const LEFT = 16;
const FOOT = 22;

function render({ model, el }) {
  const root = frame(el, model.get("uid"));
  try {
    draw(model, root);
  } catch (error) {
    showError(root, error);
  }
}

function draw(model, root) {
  const { depth, head: top, notes: below } = JSON.parse(model.get("data"));
  const view = new View(root, depth);
  const entries = depth.legend.map(([name, hue, said]) =>
    h("span", {}, h("span", { class: "dm-swatch", style: { backgroundColor: hue } }), h("bdi", {}, name), h("span", { class: "dm-quiet" }, ` ${said}`)),
  );
  const parts = [head(top), h("div", { class: "dm-title" }, depth.title), h("div", { class: "dm-legend" }, ...entries)];
  parts.push(h("div", { class: "dm-figure" }, view.svg, view.tip), view.layer, notes(below));
  root.append(...parts.filter(Boolean));
  view.select(depth.first ?? 0);
}

class View {
  constructor(root, data) {
    this.data = data;
    this.chosen = 0;
    const guard = (work) => guarded(root, work);
    this.mark = s("rect", { class: "dm-cursor", y: data.top, height: data.plot, width: 0 });
    this.hint = s("rect", { class: "dm-cursor", y: data.top, height: data.plot, width: 0 });
    const picture = s("image", { href: data.src, width: data.width, height: data.height });
    this.svg = s(
      "svg",
      {
        class: "dm-plot dm-depth",
        viewBox: `0 0 ${data.width} ${data.height}`,
        width: data.width,
        height: data.height,
        role: "img",
        tabindex: 0,
        "aria-label": `${data.alt}. Left and right arrow keys choose a layer.`,
        "data-testid": "dm-depth",
      },
      this.mark,
      this.hint,
      picture,
    );
    this.tip = h("div", { class: "dm-tip", hidden: true, role: "status", "data-testid": "dm-depth-tip" });
    this.layer = h("div", { class: "dm-depth-layer", "data-testid": "dm-depth-layer", "aria-live": "polite" });
    this.svg.addEventListener("pointermove", guard((event) => this.hover(this.at(event))));
    this.svg.addEventListener("pointerleave", guard(() => this.hover(null)));
    this.svg.addEventListener("click", guard((event) => this.select(this.at(event))));
    this.svg.addEventListener("keydown", guard((event) => this.onKey(event)));
  }

  // The layer under the pointer; null beside the drawing.
  at(event) {
    const box = this.svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * this.data.width;
    const index = Math.round((x - this.data.spots[0].x) / this.data.step);
    return index < 0 || index >= this.data.spots.length ? null : index;
  }

  onKey(event) {
    const last = this.data.spots.length - 1;
    const found = { ArrowLeft: this.chosen - 1, ArrowRight: this.chosen + 1, Home: 0, End: last }[event.key];
    if (found === undefined) return;
    this.select(Math.max(0, Math.min(last, found)));
    event.preventDefault();
    event.stopPropagation();
  }

  put(rect, index) {
    const wide = Math.max(3, this.data.step);
    rect.setAttribute("width", index === null ? 0 : wide);
    if (index !== null) rect.setAttribute("x", this.data.spots[index].x - wide / 2);
  }

  hover(index) {
    this.put(this.hint, index);
    this.tip.hidden = index === null;
    if (index === null) return;
    const spot = this.data.spots[index];
    const rows = this.data.series.map((name, place) => h("tr", {}, h("td", {}, name), h("td", { class: "dm-num" }, spot.said[place])));
    this.tip.replaceChildren(h("div", { class: "dm-tip-head" }, h("bdi", {}, spot.name)), h("table", {}, ...rows));
    // Beside the layer, on the side with more room; the drawing may be shown smaller than it was drawn.
    const x = (spot.x * this.svg.getBoundingClientRect().width) / this.data.width;
    const left = spot.x > this.data.width / 2 ? Math.max(0, x - 12 - this.tip.offsetWidth) : x + 12;
    Object.assign(this.tip.style, { top: "34px", left: `${left}px` });
  }

  select(index) {
    if (index === null) return;
    this.chosen = index;
    this.put(this.mark, index);
    const { spots, series, sides } = this.data;
    const spot = spots[index];
    const figures = series.flatMap((name, place) => [place ? h("i", {}, " · ") : "", `${name} `, h("b", {}, spot.said[place])]);
    const title = h(
      "div",
      { class: "dm-depth-name" },
      h("span", { class: "dm-swatch", style: { backgroundColor: spot.hue } }),
      h("b", {}, h("bdi", {}, spot.name)),
      h("span", { class: "dm-quiet" }, ` ${spot.part}, layer ${index + 1} of ${spots.length}`),
    );
    const parts = [title, h("div", { class: "dm-facts" }, ...figures)];
    if (spot.counts.length) {
      const legend = [
        h("span", {}, h("span", { class: "dm-swatch dm-depth-fill" }), h("bdi", {}, sides[0]), h("span", { class: "dm-quiet" }, " filled")),
        h("span", {}, h("span", { class: "dm-swatch dm-depth-outline" }), h("bdi", {}, sides[1]), h("span", { class: "dm-quiet" }, " outlined")),
      ];
      parts.push(h("div", { class: "dm-legend" }, ...legend), this.histogram(spot));
    } else {
      parts.push(h("div", { class: "dm-note" }, "Its values cannot be laid side by side."));
    }
    this.layer.replaceChildren(...parts);
  }

  // Both distributions in the same bins, the reference filled and the other as an outline over it.
  histogram(spot) {
    const inner = WIDE - 2 * LEFT;
    const total = spot.counts.map((side) => side.reduce((sum, n) => sum + n, 0) || 1);
    const tallest = Math.max(1e-12, ...spot.counts.flatMap((side, i) => side.map((n) => n / total[i])));
    const bins = spot.counts[0].length;
    const x = (value) => LEFT + (inner * (value - spot.low)) / (spot.high - spot.low);
    const path = (side) => {
      const steps = spot.counts[side].map((n, bin) => `V${(TALL - (TALL - 6) * (n / total[side] / tallest)).toFixed(1)}H${(LEFT + (inner * (bin + 1)) / bins).toFixed(1)}`);
      return `M${LEFT} ${TALL}${steps.join("")}V${TALL}`;
    };
    const ticks = linearTicks(spot.low, spot.high, 8).filter((tick) => tick.value >= spot.low && tick.value <= spot.high);
    return s(
      "svg",
      {
        class: "dm-plot",
        viewBox: `0 0 ${WIDE} ${TALL + FOOT}`,
        width: WIDE,
        height: TALL + FOOT,
        role: "img",
        "aria-label": `Distributions of the values of ${spot.name}, from ${ticks[0]?.text} to ${ticks.at(-1)?.text}`,
        "data-testid": "dm-depth-histogram",
      },
      s("path", { class: "dm-depth-reference", d: path(0) }),
      s("path", { class: "dm-depth-other", d: path(1) }),
      s("path", { class: "dm-axis", d: `M${LEFT} ${TALL}H${LEFT + inner}` }),
      ...ticks.flatMap((tick) => [
        s("path", { class: "dm-axis", d: `M${x(tick.value).toFixed(1)} ${TALL}v4` }),
        s("text", { x: x(tick.value), y: TALL + 17, "text-anchor": "middle" }, tick.text),
      ]),
    );
  }
}

export default { render };
