// The same measurements in the order taken: least, median and greatest of each moment, so that drift can be seen.
import { linearTicks } from "./axis.js";
import { s } from "./dom.js";
import { write } from "./numbers.js";
import { MARGIN } from "./plot.js";

const TOP = 10;
const TALL = 110;

export class Strip {
  constructor(data) {
    this.data = data;
    this.strip = data.strip;
    this.svg = s("svg", { class: "dm-strip", role: "img", "data-testid": "dm-strip" });
    this.tracks = data.strip.tracks.map(([deltas, low, middle, high]) => {
      let time = 0;
      return { times: deltas.map((delta) => (time += delta)), low, middle, high };
    });
  }

  x(step) {
    return MARGIN.left + (this.inner * step) / this.strip.steps;
  }

  y(step) {
    return TOP + TALL * (1 - Math.min(step, this.strip.steps) / this.strip.steps);
  }

  value(step) {
    return this.strip.low + ((this.strip.high - this.strip.low) * step) / this.strip.steps;
  }

  draw(width, shown) {
    this.width = width;
    this.inner = width - MARGIN.left - MARGIN.right;
    const height = TOP + TALL + 24;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.setAttribute("width", width);
    this.svg.setAttribute("height", height);
    this.svg.setAttribute("aria-label", `The same samples in the order taken, over ${this.seconds().toPrecision(2)} s`);
    this.cursor = s("path", { class: "dm-strip-cursor", d: "" });
    this.svg.replaceChildren(...this.frame(), ...shown.flatMap((index) => this.track(index)), this.cursor);
  }

  seconds() {
    return this.strip.end - this.strip.start;
  }

  frame() {
    const { low, high, steps } = this.strip;
    const right = MARGIN.left + this.inner;
    const parts = [];
    for (const tick of linearTicks(low, high, 4)) {
      const y = this.y(((tick.value - low) / (high - low)) * steps).toFixed(1);
      parts.push(s("path", { class: "dm-grid-line", d: `M${MARGIN.left} ${y}H${right}` }));
      parts.push(s("text", { x: right + 8, y: Number(y) + 4 }, tick.text));
    }
    const base = TOP + TALL;
    parts.push(s("path", { class: "dm-axis", d: `M${MARGIN.left} ${base}H${right}` }));
    for (const tick of linearTicks(0, this.seconds(), Math.max(3, Math.round(this.inner / 110)))) {
      const x = this.x((tick.value / this.seconds()) * steps);
      parts.push(s("path", { class: "dm-axis", d: `M${x.toFixed(1)} ${base}v4` }));
      parts.push(s("text", { x, y: base + 17, "text-anchor": "middle" }, tick.text));
    }
    parts.push(s("text", { x: right + 8, y: base + 17 }, "s"));
    return parts;
  }

  track(index) {
    const { times, low, middle, high } = this.tracks[index];
    const stroke = this.data.hues[index];
    const spans = [];
    const dots = [];
    const beyond = [];
    times.forEach((time, at) => {
      const x = this.x(time).toFixed(1);
      if (high[at] > low[at]) spans.push(`M${x} ${this.y(low[at]).toFixed(1)}V${this.y(high[at]).toFixed(1)}`);
      if (middle[at] <= this.strip.steps) dots.push(`M${x} ${this.y(middle[at]).toFixed(1)}h0`);
      if (high[at] > this.strip.steps) beyond.push(`M${x} ${TOP - 8}l3 6h-6z`);
    });
    const of = { "data-candidate": index };
    return [
      s("path", { class: "dm-span", d: spans.join(""), stroke, ...of }),
      s("path", { class: "dm-dots", d: dots.join(""), stroke, ...of }),
      s("path", { class: "dm-over", d: beyond.join(""), fill: stroke, ...of }),
    ];
  }

  // What each candidate took around a moment: {time, rows: [index, low, middle, high]}.
  at(pixel, shown) {
    const step = ((pixel - MARGIN.left) / this.inner) * this.strip.steps;
    if (step < 0 || step > this.strip.steps) return null;
    const rows = [];
    for (const index of shown) {
      const { times, low, middle, high } = this.tracks[index];
      let best = -1;
      times.forEach((time, at) => {
        if (best < 0 || Math.abs(time - step) < Math.abs(times[best] - step)) best = at;
      });
      if (best >= 0 && Math.abs(times[best] - step) <= 20) rows.push([index, low[best], middle[best], high[best]]);
    }
    return { time: (step / this.strip.steps) * this.seconds(), rows };
  }

  say(step) {
    const { places } = this.data;
    return step > this.strip.steps ? `over ${write(this.strip.high, places)}` : write(this.value(step), places);
  }

  point(pixel) {
    this.cursor.setAttribute("d", pixel === null ? "" : `M${pixel.toFixed(1)} ${TOP}V${TOP + TALL}`);
  }
}
