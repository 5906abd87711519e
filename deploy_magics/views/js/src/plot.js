// The histogram: candidates laid over one another with light fills, percentile lines, an axis in the table's unit.
import { fit, linearTicks, logTicks } from "./axis.js";
import { s, short } from "./dom.js";
import { count, write } from "./numbers.js";

export const MARGIN = { left: 10, right: 58 };
const LANE = 16;
const TALL = 170;
const DASHES = { p50: null, p95: "5 3", p99: "1.5 3" };
const CHAR = 6.7; // of the labels' letters, on average

export class Plot {
  constructor(data) {
    this.data = data;
    this.svg = s("svg", { class: "dm-plot", role: "img", tabindex: 0, "data-testid": "dm-histogram" });
    this.log = data.preferLog;
  }

  binned() {
    return this.log ? this.data.log : this.data.linear;
  }

  // Where a value stands on the axis, in pixels.
  x(value) {
    const { low, high } = this.binned();
    const share = this.log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    return MARGIN.left + this.inner * Math.max(0, Math.min(1, share));
  }

  edge(index) {
    const { low, high, counts } = this.binned();
    const share = index / counts[0].length;
    return this.log ? low * (high / low) ** share : low + (high - low) * share;
  }

  bins() {
    return this.binned().counts[0].length;
  }

  binAt(pixel) {
    const share = (pixel - MARGIN.left) / this.inner;
    return share < 0 || share > 1 ? null : Math.min(this.bins() - 1, Math.floor(share * this.bins()));
  }

  draw(width, shown) {
    this.width = width;
    this.inner = width - MARGIN.left - MARGIN.right;
    const marks = this.marks(shown);
    const placed = fit(marks, (mark) => [this.x(mark.value), CHAR * mark.text.length]);
    // Room for the labels of all candidates, so that nothing moves when one is switched off.
    this.lanes = Math.max(this.lanes ?? 1, 1 + Math.max(-1, ...placed.filter((lane) => lane !== null)));
    this.top = LANE * this.lanes + 6;
    this.base = this.top + TALL;
    this.height = this.base + 38;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${this.height}`);
    this.svg.setAttribute("width", width);
    this.svg.setAttribute("height", this.height);
    this.svg.setAttribute("aria-label", this.describe(shown));
    this.cursor = s("rect", { class: "dm-cursor", y: this.top, height: TALL, width: 0 });
    this.svg.replaceChildren(
      this.cursor,
      ...shown.map((index) => this.shape(index, this.tallest(shown))),
      ...marks.flatMap((mark, at) => this.line(mark, placed[at])),
      ...this.axis(shown),
    );
  }

  share(index) {
    return this.binned().counts[index].map((n) => n / this.data.totals[index]);
  }

  tallest(shown) {
    return Math.max(1e-12, ...shown.flatMap((index) => this.share(index)));
  }

  shape(index, tallest) {
    const steps = this.share(index).map(
      (share, bin) => `V${(this.base - TALL * (share / tallest)).toFixed(1)}H${this.x(this.edge(bin + 1)).toFixed(1)}`,
    );
    const path = `M${this.x(this.edge(0)).toFixed(1)} ${this.base}${steps.join("")}V${this.base}`;
    const hue = this.data.hues[index];
    return s("path", { class: "dm-shape", d: path, fill: hue, stroke: hue, "data-candidate": index });
  }

  // Fewer lines of each the more candidates there are.
  marks(shown) {
    const { low, high } = this.binned();
    const marks = [];
    for (const index of shown) {
      const told = this.data.percentiles[index];
      const kept = shown.length <= 2 ? told : shown.length <= 4 ? [told[0], told.at(-1)] : told.slice(0, 1);
      for (const [label, value] of new Set(kept.filter(Boolean))) {
        if (value < low || value > high) continue;
        const name = label === "p50" && this.data.names.length > 1 ? `${short(this.data.names[index], 18)} ` : "";
        marks.push({ index, label, value, text: `${name}${label} ${write(value, this.data.places)}` });
      }
    }
    return marks;
  }

  line(mark, lane) {
    const x = this.x(mark.value).toFixed(1);
    const start = lane === null ? this.top : this.top - LANE * (lane + 1);
    const stroke = this.data.hues[mark.index];
    const attributes = { class: "dm-percentile", "stroke-dasharray": DASHES[mark.label], "data-candidate": mark.index };
    const line = s("path", { d: `M${x} ${start}V${this.base}`, stroke, ...attributes });
    if (lane === null) return [line];
    const text = s("text", { x: Number(x) + 4, y: start + 11, class: "dm-mark-text", "data-candidate": mark.index }, mark.text);
    return [line, text];
  }

  axis(shown) {
    const { low, high, below, above } = this.binned();
    const right = MARGIN.left + this.inner;
    const parts = [s("path", { class: "dm-axis", d: `M${MARGIN.left} ${this.base}H${right}` })];
    const wanted = Math.max(3, Math.round(this.inner / 110));
    for (const tick of this.log ? logTicks(low, high, wanted) : linearTicks(low, high, wanted)) {
      const x = this.x(tick.value);
      parts.push(s("path", { class: "dm-axis", d: `M${x.toFixed(1)} ${this.base}v4` }));
      parts.push(s("text", { x, y: this.base + 17, "text-anchor": "middle" }, tick.text));
    }
    parts.push(s("text", { x: right + 8, y: this.base + 17 }, this.data.unit));
    const far = shown.reduce((sum, index) => sum + above[index], 0);
    const near = shown.reduce((sum, index) => sum + below[index], 0);
    if (far) {
      const most = Math.max(...shown.map((index) => this.data.greatest[index]));
      const said = `${count(far)} beyond, up to ${write(most, this.data.places)} →`;
      parts.push(s("text", { x: right, y: this.base + 33, "text-anchor": "end", "data-testid": "dm-beyond" }, said));
    }
    if (near) parts.push(s("text", { x: MARGIN.left, y: this.base + 33 }, `← ${count(near)} below`));
    return parts;
  }

  point(bin) {
    if (bin === null) {
      this.cursor.setAttribute("width", 0);
      return;
    }
    const left = this.x(this.edge(bin));
    this.cursor.setAttribute("x", left);
    this.cursor.setAttribute("width", Math.max(1, this.x(this.edge(bin + 1)) - left));
  }

  describe(shown) {
    const parts = shown.map((index) => {
      const told = this.data.percentiles[index].map(([label, value]) => `${label} ${write(value, this.data.places)}`);
      return `${this.data.names[index]}: ${count(this.data.totals[index])} samples, ${told.join(", ")} ${this.data.unit}`;
    });
    return `Histogram. ${parts.join("; ")}. Left and right arrow keys read the bins.`;
  }
}
