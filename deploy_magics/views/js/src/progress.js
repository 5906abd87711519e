// Progress of long work: a bar, the figure of the moment, the time it has taken, and a button that stops it.
import { h } from "./dom.js";
import { frame, guarded, showError } from "./frame.js";
import { interrupt } from "./interrupt.js";

function render({ model, el }) {
  const root = frame(el, "");
  try {
    return draw(model, root);
  } catch (error) {
    showError(root, error);
    return undefined;
  }
}

function draw(model, root) {
  const began = Date.now() - 1000 * model.get("elapsed");
  const title = h("span", { class: "dm-progress-title" });
  const fill = h("div");
  const bar = h("div", { class: "dm-progress-bar", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 }, fill);
  const share = h("span", { class: "dm-progress-share" });
  const detail = h("span", { class: "dm-progress-detail" });
  const time = h("span", { class: "dm-progress-detail", "data-testid": "dm-elapsed" });
  const stop = h("button", { type: "button", class: "dm-button dm-stop", "data-testid": "dm-stop" }, "Stop");
  root.append(h("div", { class: "dm-progress", "data-testid": "dm-progress" }, title, bar, share, time, stop, detail));

  const show = guarded(root, () => {
    const fraction = model.get("fraction");
    title.textContent = model.get("title");
    bar.setAttribute("aria-label", model.get("title"));
    detail.textContent = model.get("detail");
    const percent = fraction < 0 ? "" : `${Math.floor(100 * Math.min(1, fraction))}`;
    fill.style.width = `${percent || 0}%`;
    share.textContent = percent && `${percent} %`;
    if (percent) bar.setAttribute("aria-valuenow", percent);
    else bar.removeAttribute("aria-valuenow");
  });
  const tick = () => {
    const seconds = Math.max(0, Math.floor((Date.now() - began) / 1000));
    time.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  };
  stop.addEventListener(
    "click",
    guarded(root, async () => {
      stop.disabled = true;
      stop.textContent = "Stopping…";
      try {
        // Where there is no server to ask, the kernel hears the widget itself as soon as it can.
        if (!(await interrupt(model.get("kernel")))) model.send({ stop: true });
      } catch (error) {
        stop.disabled = false;
        stop.textContent = "Stop";
        throw error;
      }
    }),
  );
  for (const name of ["title", "fraction", "detail"]) model.on(`change:${name}`, show);
  const clock = setInterval(tick, 1000);
  show();
  tick();
  return () => {
    clearInterval(clock);
    for (const name of ["title", "fraction", "detail"]) model.off(`change:${name}`, show);
  };
}

export default { render };
