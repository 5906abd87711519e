"""A page in Chromium that runs the committed bundles without Jupyter, and the sources' modules for their own tests.

Playwright lives in a thread of its own: so it neither meets another one in the test's thread nor leaves an event loop
running there.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from deploy_magics import views
from deploy_magics.result import Result
from deploy_magics.views import _payload
from deploy_magics.views._bins import distributions
from deploy_magics.views._palette import colours

ROOM = Path(views.__file__).parent
ORIGIN = "http://localhost"  # a secure context, where the clipboard is; nothing is asked of a network
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--host-resolver-rules=MAP * ~NOTFOUND",
]
T = TypeVar("T")

# What anywidget gives a view, as far as ours use it; changes made in the page are kept in `saved`.
SHELL = """<!doctype html><meta charset="utf-8"><title>stage</title><body><script type="module">
class Model {
  constructor(state) { this.state = state; this.handlers = {}; this.saved = []; this.sent = []; }
  get(name) { return this.state[name]; }
  set(name, value) { this.state[name] = value; this.saved.push([name, value]); this.fire(name); }
  fire(name) { for (const handler of this.handlers[`change:${name}`] ?? []) handler(); }
  receive(name, value) { this.state[name] = value; this.fire(name); }
  save_changes() {}
  send(message) { this.sent.push(message); }
  on(name, handler) { (this.handlers[name] ??= []).push(handler); }
  off(name, handler) { this.handlers[name] = (this.handlers[name] ?? []).filter((other) => other !== handler); }
}
window.mount = async (kind, state) => {
  const model = new Model(state);
  const el = document.body.appendChild(document.createElement("div"));
  const widget = (await import(`/static/${kind}.js`)).default;
  const began = performance.now();
  const leave = widget.render({ model, el });
  el.getBoundingClientRect();
  document.body.offsetHeight;
  const took = performance.now() - began;
  (window.mounted ??= []).push({ model, el, leave });
  return took;
};
window.staged = true;
</script>"""


class Stage:
    """A browser with one page; :meth:`act` runs a function of that page in the browser's thread."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.answer = 204  # what a POST is answered; 0 for a connection that fails
        self.errors: list[str] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="playwright")
        try:
            self._thread.submit(self._start).result(60)
        except BaseException:
            self._thread.shutdown()
            raise

    @staticmethod
    def chromium() -> str | None:
        """Find a Chromium."""
        named = os.environ.get("DEPLOY_MAGICS_CHROMIUM")
        return named or shutil.which("chromium") or shutil.which("chromium-browser")

    def _start(self) -> None:
        from playwright.sync_api import sync_playwright

        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=self.chromium(), args=FLAGS)
        context = self._browser.new_context(
            viewport={"width": 1000, "height": 900}, permissions=["clipboard-read", "clipboard-write"]
        )
        context.set_default_timeout(10_000)
        self._page = context.new_page()
        self._page.route("**/*", self._serve)
        self._page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _serve(self, route: Any) -> None:
        path = route.request.url.removeprefix(ORIGIN).split("?")[0]
        if route.request.method == "POST":
            self.asked.append((route.request.method, path, route.request.headers))
            if self.answer:
                route.fulfill(status=self.answer)
            else:
                route.abort()
        elif path == "/":
            route.fulfill(body=SHELL, content_type="text/html")
        elif path.startswith(("/static/", "/src/")):
            folder = ROOM if path.startswith("/static/") else ROOM / "js"
            route.fulfill(body=(folder / path[1:]).read_text(), content_type="text/javascript")
        else:
            route.fulfill(status=404)

    def act(self, work: Callable[[Any], T]) -> T:
        """Run a function of the page, and give what it gives."""
        return self._thread.submit(work, self._page).result(120)

    def clear(self) -> None:
        """Start from an empty page."""
        self.asked.clear()
        self.errors.clear()
        self.answer = 204

        def load(page: Any) -> None:
            page.goto(f"{ORIGIN}/")
            page.wait_for_function("window.staged")

        self.act(load)

    def mount(self, kind: str, **state: Any) -> float:
        """Draw a widget with this state; gives the milliseconds it took, layout included."""
        return self.act(lambda page: float(page.evaluate("([kind, state]) => mount(kind, state)", [kind, state])))

    def close(self) -> None:
        """End the browser."""

        def end() -> None:
            self._browser.close()
            self._playwright.stop()

        self._thread.submit(end).result(60)
        self._thread.shutdown()


def states(result: Result, uid: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Give the kind and the state of each widget of a result, as its traits hold them."""
    hues = colours(result)
    found: list[tuple[str, dict[str, Any]]] = []
    for table in result.tables:
        plain = _payload.table(table, hues)
        data = {"table": plain, "head": _payload.head(result), "notes": _payload.notes(result.notes)}
        found.append(("table", {"data": compact(data), "uid": uid, "baseline": plain["baseline"], "selected": []}))
    for dist in distributions(result):
        data = {"distribution": _payload.distribution(dist, hues), "head": None, "notes": []}
        found.append(("histogram", {"data": compact(data), "uid": uid}))
    for curve in result.curves:
        data = {"curve": _payload.curve(curve), "head": None, "notes": []}
        found.append(("curve", {"data": compact(data), "uid": uid}))
    return found


def compact(data: Any) -> str:
    """Write JSON as the widgets do."""
    return json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
