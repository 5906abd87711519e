// Ticks of an axis and lanes of labels; the rules are those of ../../_axis.py.
import { write } from "./numbers.js";

export function linearTicks(low, high, wanted = 7) {
  const span = high - low;
  if (!(span > 0)) return [];
  const rough = span / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough * (1 - 1e-12));
  const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i <= Math.floor(high / step + 1e-9); i += 1) {
    ticks.push({ value: i * step, text: write(i * step, places) });
  }
  return ticks;
}

export function logTicks(low, high, wanted = 9) {
  const decades = Math.log10(high / low);
  if (decades < 0.7) return linearTicks(low, high);
  const factors = decades < 1.3 ? [1, 1.5, 2, 3, 5, 7] : decades * 3 <= wanted + 2 ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil(decades / wanted));
  const ticks = [];
  for (let p = Math.floor(Math.log10(low)); p <= Math.ceil(Math.log10(high)); p += 1) {
    if (p % every !== 0) continue;
    for (const factor of factors) {
      const value = factor * 10 ** p;
      if (value >= low && value <= high) {
        ticks.push({ value, text: write(value, Math.max(0, -p + (factor === 1.5 ? 1 : 0))) });
      }
    }
  }
  return ticks;
}

// From the right, so that the line of a label, at its left end, passes the labels on lower lanes.
export function lanes(places, gap = 6, most = 4) {
  const found = places.map(() => null);
  const ends = Array(most).fill(Infinity);
  const order = places.map((_, i) => i).sort((a, b) => places[b][0] - places[a][0]);
  for (const index of order) {
    const [left, width] = places[index];
    for (let lane = 0; lane < most; lane += 1) {
      if (left + width + gap <= Math.min(...ends.slice(lane))) {
        found[index] = lane;
        ends[lane] = left;
        break;
      }
    }
  }
  return found;
}

// Labels of least importance go first where not all find room: better none of a kind than one that is missing.
export function fit(marks, place, order = ["p95", "p99"]) {
  let kept = new Set(marks.map((_, index) => index));
  for (let step = 0; ; step += 1) {
    const indices = [...kept];
    const found = lanes(indices.map((index) => place(marks[index])));
    if (!found.includes(null) || step >= order.length) {
      const result = marks.map(() => null);
      indices.forEach((index, at) => (result[index] = found[at]));
      return result;
    }
    kept = new Set(indices.filter((index) => marks[index].label !== order[step]));
  }
}
