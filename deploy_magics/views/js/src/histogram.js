// LatencyHistogram: the distributions, the same samples in time order, a legend that switches candidates.
import { h } from "./dom.js";
import { frame, guarded, head, notes, showError } from "./frame.js";
import { count, write } from "./numbers.js";
import { Plot } from "./plot.js";
import { Strip } from "./strip.js";

const WIDEST = 980;
const NARROWEST = 360;

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
  const { distribution: data, head: top, notes: below } = JSON.parse(model.get("data"));
  const view = new View(root, data);
  const title = h("div", { class: "dm-title" }, data.unit ? `Distribution (${data.unit})` : "Distribution");
  root.append(
    ...[head(top), h("div", { class: "dm-toolbar dm-wide" }, title, view.legend, view.scale())].filter(Boolean),
    h("div", { class: "dm-figure" }, view.plot.svg, view.tip),
    h("div", { class: "dm-caption dm-quiet" }, "In the order measured: median, least and greatest of each moment"),
    h("div", { class: "dm-figure" }, view.strip.svg, view.stripTip),
    ...oddities(data),
    ...[notes(below)].filter(Boolean),
  );
  view.draw(WIDEST);
  const watch = new ResizeObserver(
    guarded(root, ([entry]) => {
      const width = Math.round(Math.max(NARROWEST, Math.min(WIDEST, entry.contentRect.width)));
      if (entry.contentRect.width && width !== view.width) view.draw(width);
    }),
  );
  watch.observe(root);
  return () => watch.disconnect();
}

function oddities(data) {
  const odd = data.notFinite.reduce((sum, n) => sum + n, 0);
  return odd ? [h("div", { class: "dm-note" }, `${count(odd)} samples are not finite numbers and are not drawn.`)] : [];
}

class View {
  constructor(root, data) {
    this.root = root;
    this.data = data;
    this.plot = new Plot(data);
    this.strip = new Strip(data);
    this.off = new Set();
    this.bin = null;
    this.guard = (work) => guarded(root, work);
    this.tip = h("div", { class: "dm-tip", hidden: true, role: "status", "data-testid": "dm-tooltip" });
    this.stripTip = h("div", { class: "dm-tip", hidden: true, "data-testid": "dm-strip-tooltip" });
    this.legend = h("div", { class: "dm-legend", role: "group", "aria-label": "Candidates" }, ...data.names.map((_, i) => this.entry(i)));
    this.plot.svg.addEventListener("pointermove", this.guard((event) => this.hover(event)));
    this.plot.svg.addEventListener("pointerleave", this.guard(() => this.read(null)));
    this.plot.svg.addEventListener("blur", this.guard(() => this.read(null)));
    this.plot.svg.addEventListener("keydown", this.guard((event) => this.onKey(event)));
    this.strip.svg.addEventListener("pointermove", this.guard((event) => this.hoverStrip(event)));
    this.strip.svg.addEventListener("pointerleave", this.guard(() => this.readStrip(null)));
  }

  shown() {
    return this.data.names.map((_, index) => index).filter((index) => !this.off.has(index));
  }

  draw(width = this.width) {
    this.width = width;
    this.plot.draw(width, this.shown());
    this.strip.draw(width, this.shown());
    this.read(null);
  }

  entry(index) {
    const { names, totals, hues } = this.data;
    const button = h(
      "button",
      {
        type: "button",
        class: "dm-entry",
        "aria-pressed": "true",
        title: "Show or hide",
        "data-testid": `dm-legend-${index}`,
        onclick: this.guard(() => {
          if (this.off.has(index)) this.off.delete(index);
          else if (this.shown().length > 1) this.off.add(index);
          button.setAttribute("aria-pressed", String(!this.off.has(index)));
          this.draw();
        }),
        onpointerenter: () => this.emphasise(index),
        onpointerleave: () => this.emphasise(null),
      },
      h("span", { class: "dm-swatch", style: { backgroundColor: hues[index] } }),
      h("bdi", {}, names[index]),
      h("span", { class: "dm-unit" }, ` ${count(totals[index])} samples`),
    );
    return button;
  }

  emphasise(index) {
    for (const part of this.root.querySelectorAll("[data-candidate]")) {
      part.classList.toggle("dm-faint", index !== null && !this.off.has(index) && part.dataset.candidate !== String(index));
    }
  }

  scale() {
    const make = (name, log) => {
      const button = h("button", { type: "button", class: "dm-button", "data-testid": `dm-scale-${name.toLowerCase()}` }, name);
      button.setAttribute("aria-pressed", String(this.plot.log === log));
      button.disabled = log && !this.data.log;
      if (button.disabled) button.title = "A logarithmic axis needs values above zero that differ";
      button.addEventListener("click", this.guard(() => {
        this.plot.log = log;
        for (const [other, is] of buttons) other.setAttribute("aria-pressed", String(is === log));
        this.draw();
      }));
      return [button, log];
    };
    const buttons = [make("Linear", false), make("Log", true)];
    return h("div", { class: "dm-switch", role: "group", "aria-label": "Axis" }, ...buttons.map(([button]) => button));
  }

  // Where the pointer is, in the drawing's own pixels.
  place(svg, event) {
    const box = svg.getBoundingClientRect();
    return ((event.clientX - box.left) / box.width) * this.width;
  }

  hover(event) {
    this.read(this.plot.binAt(this.place(this.plot.svg, event)));
  }

  onKey(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") this.read(null);
    else if (step) this.read(Math.max(0, Math.min(this.plot.bins() - 1, (this.bin ?? (step > 0 ? -1 : this.plot.bins())) + step)));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // Tell one bin: from where to where, and how many of each candidate.
  read(bin) {
    this.bin = bin;
    this.plot.point(bin);
    this.tip.hidden = bin === null;
    if (bin === null) return;
    const { data, plot } = this;
    const [from, to] = [plot.edge(bin), plot.edge(bin + 1)];
    const places = data.places + 1;
    const rows = this.shown().map((index) => {
      const n = plot.binned().counts[index][bin];
      return this.tipRow(index, count(n), `${((100 * n) / data.totals[index]).toFixed(1)} %`);
    });
    this.tip.replaceChildren(h("div", { class: "dm-tip-head" }, `${write(from, places)} – ${write(to, places)} ${data.unit}`), h("table", {}, ...rows));
    this.put(this.tip, (plot.x(from) + plot.x(to)) / 2, plot.top);
  }

  hoverStrip(event) {
    this.readStrip(this.place(this.strip.svg, event));
  }

  readStrip(pixel) {
    const found = pixel === null ? null : this.strip.at(pixel, this.shown());
    this.strip.point(found && found.rows.length ? pixel : null);
    this.stripTip.hidden = !found?.rows.length;
    if (this.stripTip.hidden) return;
    const rows = found.rows.map(([index, low, middle, high]) => {
      const range = high > low ? `${this.strip.say(low)} – ${this.strip.say(high)}` : "";
      return this.tipRow(index, this.strip.say(middle), range);
    });
    this.stripTip.replaceChildren(h("div", { class: "dm-tip-head" }, `at ${found.time.toFixed(2)} s (${this.data.unit})`), h("table", {}, ...rows));
    this.put(this.stripTip, pixel, 4);
  }

  tipRow(index, first, second) {
    const { hues, names } = this.data;
    return h(
      "tr",
      {},
      h("td", {}, h("span", { class: "dm-swatch", style: { backgroundColor: hues[index] } }), h("bdi", {}, names[index])),
      h("td", { class: "dm-num" }, first),
      h("td", { class: "dm-num dm-quiet" }, second),
    );
  }

  // Beside the pointer's line, on the side with more room.
  put(tip, pixel, top) {
    const right = pixel > this.width / 2;
    Object.assign(tip.style, {
      top: `${top}px`,
      left: right ? "auto" : `${pixel + 14}px`,
      right: right ? `calc(100% - ${pixel - 14}px)` : "auto",
    });
  }
}

export default { render };
