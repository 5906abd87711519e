// Progress of long work: one line.
import { bar } from "./bar.js";
import { frame, showError } from "./frame.js";

function render({ model, el }) {
  const root = frame(el, "");
  try {
    return bar(model, root);
  } catch (error) {
    showError(root, error);
    return undefined;
  }
}

export default { render };
