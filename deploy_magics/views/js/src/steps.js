// A value that changes at moments and stays between them: steps from zero up, the start as a line to compare with.
import { linearTicks } from "./axis.js";
import { s } from "./dom.js";
import { decimals, write } from "./numbers.js";

const MARGIN = { left: 40, right: 66, top: 8, foot: 36 };
const TALL = 230;
const ROOM = 1.08; // the highest value stands a little below the top
const APART = 15; // least distance of two labels
// Where an axis of time may end: it stretches seldom, not at every report.
const ENDS = [10, 30, 60, 120, 300, 600, 1200, 1800, 3600];

export class Steps {
  constructor(unitX, unitY, hue) {
    Object.assign(this, { unitX, unitY, hue });
    this.svg = s("svg", { class: "dm-steps", role: "img", "data-testid": "dm-steps" });
  }

  // `now` is until when the last value is known to stay; `ends`, whether the axis ends there or has room to go on.
  draw(width, points, now, ends, said) {
    const right = width - MARGIN.right;
    const base = MARGIN.top + TALL;
    const height = base + MARGIN.foot;
    const values = points.map(([, value]) => value);
    const low = Math.min(0, ...values);
    const top = Math.max(0, ...values) * ROOM;
    const high = top > low ? top : low + 1;
    const first = points.length ? points[0][0] : 0;
    const last = Math.max(now, points.length ? points.at(-1)[0] : 0);
    const until = first + (ends ? last - first || 1 : roomy(last - first));
    const x = (moment) => MARGIN.left + ((right - MARGIN.left) * (moment - first)) / (until - first);
    const y = (value) => base - (TALL * (value - low)) / (high - low);

    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.setAttribute("width", width);
    this.svg.setAttribute("height", height);
    const parts = [];
    for (const tick of points.length ? linearTicks(low, high, 5) : []) {
      const at = y(tick.value);
      if (tick.value > low) parts.push(s("path", { class: "dm-grid-line", d: `M${MARGIN.left} ${at.toFixed(1)}H${right}` }));
      parts.push(s("text", { x: MARGIN.left - 7, y: at + 4, "text-anchor": "end" }, tick.text));
    }
    parts.push(s("path", { class: "dm-axis", d: `M${MARGIN.left} ${base}H${right}` }));
    for (const tick of linearTicks(first, until, Math.max(3, Math.round((right - MARGIN.left) / 80)))) {
      parts.push(s("path", { class: "dm-axis", d: `M${x(tick.value).toFixed(1)} ${base}v4` }));
      parts.push(s("text", { x: x(tick.value), y: base + 17, "text-anchor": "middle" }, tick.text));
    }
    parts.push(s("text", { x: right + 18, y: base + 17 }, this.unitX));
    if (points.length) parts.push(...this.line(points, last, x, y, right));
    this.svg.setAttribute("aria-label", this.describe(points, said));
    this.svg.replaceChildren(...parts);
  }

  line(points, last, x, y, right) {
    const [start, end] = [points[0][1], points.at(-1)[1]];
    const at = { x: x(last), start: y(start), end: y(end) };
    const path = points.slice(1).map(([moment, value]) => `H${x(moment).toFixed(1)}V${y(value).toFixed(1)}`);
    const parts = [s("path", { class: "dm-steps-start", d: `M${MARGIN.left} ${at.start.toFixed(1)}H${right}` })];
    if (Math.abs(at.end - at.start) >= APART) {
      parts.push(s("text", { x: right + 8, y: at.start + 4, "data-testid": "dm-steps-from" }, figure(start)));
    }
    const line = `M${x(points[0][0]).toFixed(1)} ${at.start.toFixed(1)}${path.join("")}H${at.x.toFixed(1)}`;
    parts.push(s("path", { class: "dm-steps-line", d: line, stroke: this.hue }));
    parts.push(s("circle", { cx: at.x, cy: at.end, r: 4, fill: this.hue }));
    const label = { x: at.x + 9, y: at.end + 4, class: "dm-steps-now", "data-testid": "dm-steps-now" };
    return [...parts, s("text", label, `${figure(end)} ${this.unitY}`)];
  }

  describe(points, said) {
    if (!points.length) return "No estimate yet";
    const [start, end] = [points[0][1], points.at(-1)[1]];
    return `From ${figure(start)} to ${figure(end)} ${this.unitY}${said ? `, ${said}` : ""}`;
  }
}

function figure(value) {
  return write(value, decimals(3, [value]));
}

function roomy(span) {
  return ENDS.find((end) => end >= span) ?? Math.ceil(span / 3600) * 3600;
}
