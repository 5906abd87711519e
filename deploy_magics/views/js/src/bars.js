// A ratio as a bar that grows from 1x, on a logarithmic scale so that twice and half are equally long, with its
// interval as a whisker.
import { h } from "./dom.js";

export const BAR = 76;

export function bar(cell, span, hue) {
  const box = h("span", { class: "dm-bar", style: { width: `${BAR}px` } });
  if (cell.why !== undefined || !(cell.value > 0) || !Number.isFinite(cell.value)) return box;
  const place = (value) => {
    if (Number.isNaN(value)) return place(cell.value);
    if (value <= 0) return 0;
    const share = Number.isFinite(value) ? Math.max(-1, Math.min(1, Math.log(value) / Math.log(span))) : 1;
    return ((share + 1) / 2) * BAR;
  };
  const middle = BAR / 2;
  const at = place(cell.value);
  const low = place(cell.low ?? cell.value);
  const high = place(cell.high ?? cell.value);
  const part = (name, left, width) => h("i", { class: name, style: { left: `${left}px`, width: `${width}px` } });
  box.append(part("dm-bar-one", middle, 1));
  if (Math.abs(at - middle) >= 0.5) {
    const fill = part("dm-bar-fill", Math.min(at, middle), Math.abs(at - middle));
    if (hue) fill.style.backgroundColor = hue;
    box.append(fill);
  }
  if (high > low) box.append(part("dm-bar-whisker", low, Math.max(1, high - low)));
  return box;
}
