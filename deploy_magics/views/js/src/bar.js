// The line of long work: a bar, the figure of the moment, the time it has taken, and a button that stops it.
import { h } from "./dom.js";
import { guarded } from "./frame.js";
import { interrupt } from "./interrupt.js";

// How long a kernel may take to hear the widget before the reader is told of another way.
const HEARD_MS = 1500;

// Draws the line into a frame; gives the function that ends it.
export function bar(model, root) {
  const title = h("span", { class: "dm-progress-title" });
  const fill = h("div");
  const track = h("div", { class: "dm-progress-bar", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 }, fill);
  const share = h("span", { class: "dm-progress-share" });
  const detail = h("span", { class: "dm-progress-detail" });
  const time = h("span", { class: "dm-progress-detail", "data-testid": "dm-elapsed" });
  const refused = h("span", { class: "dm-progress-refused", role: "alert", "data-testid": "dm-refused" });
  const stop = h("button", { type: "button", class: "dm-button dm-stop", "data-testid": "dm-stop" }, "Stop");
  root.append(h("div", { class: "dm-progress", "data-testid": "dm-progress" }, title, track, share, time, stop, detail, refused));

  const show = guarded(root, () => {
    const fraction = model.get("fraction");
    title.textContent = model.get("title");
    track.setAttribute("aria-label", model.get("title"));
    detail.textContent = model.get("detail");
    const percent = fraction < 0 ? "" : `${Math.floor(100 * Math.min(1, fraction))}`;
    fill.style.width = `${percent || 0}%`;
    share.textContent = percent && `${percent} %`;
    if (percent) track.setAttribute("aria-valuenow", percent);
    else track.removeAttribute("aria-valuenow");
  });
  // When the work began, by this page's clock, for the kernel's may differ. It is kept with the model, which outlives a
  // view: one that is drawn again goes on from there, also where no report came since. A report that was long under
  // way would set it later, and the time back; so the earliest counts.
  const began = () => {
    const told = Date.now() - 1000 * model.get("elapsed");
    const kept = Math.min(told, model.get("_began") ?? told);
    model.set("_began", kept); // in the page alone: nothing is saved to the kernel
    return kept;
  };
  const tick = () => {
    const seconds = Math.max(0, Math.floor((Date.now() - began()) / 1000));
    time.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  };
  let waiting;
  stop.addEventListener(
    "click",
    guarded(root, async () => {
      stop.disabled = true;
      stop.textContent = "Stopping…";
      refused.textContent = "";
      const problem = await ask(model);
      if (problem === null) return;
      // Some kernels hear a widget while they work; a kernel that does ends the work, and this view with it.
      waiting = setTimeout(() => {
        stop.disabled = false;
        stop.textContent = "Stop";
        refused.textContent = `${problem}; use the toolbar's square`;
      }, HEARD_MS);
    }),
  );
  for (const name of ["title", "fraction", "detail"]) model.on(`change:${name}`, show);
  const clock = setInterval(tick, 1000);
  show();
  tick();
  return () => {
    clearInterval(clock);
    clearTimeout(waiting);
    for (const name of ["title", "fraction", "detail"]) model.off(`change:${name}`, show);
  };
}

// Ask the server, and where it does not do it the kernel itself. Gives what is to be said if the kernel does not hear.
async function ask(model) {
  let problem = null;
  try {
    if (await interrupt(model.get("kernel"))) return null;
  } catch (error) {
    problem = `the server refused (${error.message})`;
  }
  model.send({ stop: true });
  return problem;
}
