// A drawing that the kernel has made, with a legend of its parts: a stacked bar, a timeline.
import { h } from "./dom.js";
import { frame, head, notes, showError } from "./frame.js";

function render({ model, el }) {
  const root = frame(el, model.get("uid"));
  try {
    draw(model, root);
  } catch (error) {
    showError(root, error);
  }
}

function draw(model, root) {
  const { picture, head: top, notes: below } = JSON.parse(model.get("data"));
  const entries = picture.legend.map(([name, hue, said]) =>
    h("span", {},
      h("span", { class: "dm-swatch", style: { backgroundColor: hue } }), h("bdi", {}, name),
      said ? h("span", { class: "dm-quiet" }, ` ${said}`) : "",
    ),
  );
  const image = h("img", {
    class: "dm-hist-image",
    width: picture.width,
    style: { maxWidth: "100%" },
    alt: picture.alt,
    src: picture.src,
    "data-testid": "dm-picture",
  });
  const title = h("div", { class: "dm-title" }, picture.title);
  root.append(...[head(top), title, h("div", { class: "dm-legend" }, ...entries), image, notes(below)].filter(Boolean));
}

export default { render };
