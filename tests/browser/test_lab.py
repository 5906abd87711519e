"""The ground the other browser tests stand on: Lab, kernel, widgets, themes, saving and trust."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Opener

COUNTER = '''
import anywidget, traitlets
class Counter(anywidget.AnyWidget):
    _esm = """
    export default { render({ model, el }) {
      const button = document.createElement("button");
      button.dataset.testid = "counter";
      const draw = () => { button.textContent = `count ${model.get("value")}`; };
      button.onclick = () => { model.set("value", model.get("value") + 1); model.save_changes(); };
      model.on("change:value", draw); draw(); el.append(button);
    } };
    """
    value = traitlets.Int(0).tag(sync=True)
counter = Counter()
counter
'''


def test_widgets_work_and_nothing_leaves_the_machine(open_notebook: Opener) -> None:
    page = open_notebook(
        "ground.ipynb",
        [COUNTER, "import ipywidgets; ipywidgets.IntSlider(7, description='level')", "1 + 1"],
    )
    page.run_all()
    assert page.prompts() == ["[1]:", "[2]:", "[3]:"]
    button = page.test_id("counter")
    expect(button).to_have_text("count 0")
    button.click()
    expect(button).to_have_text("count 1")
    expect(page.outputs(1).locator(".widget-slider")).to_be_visible()
    page.theme("dark")
    page.screenshot("ground-dark")
    page.theme("light")
    page.screenshot("ground-light")
    page.save()
    assert page.saved("ground.ipynb").cells[2].outputs[0].data["text/plain"] == "2"


LEAK = """
from IPython.display import HTML
HTML('<img src="http://models.invalid/logo.png"><b data-testid="drawn">drawn</b>')
"""


def test_a_request_to_elsewhere_and_a_console_error_are_seen(open_notebook: Opener) -> None:
    page = open_notebook("leak.ipynb", [LEAK])
    page.run_all()
    expect(page.test_id("drawn")).to_be_visible()
    page.page.evaluate("console.error('something broke')")
    page.page.wait_for_function("performance.getEntriesByName('http://models.invalid/logo.png').length > 0")
    faults = "\n".join(page.faults())
    assert "left this machine: http://models.invalid/logo.png" in faults
    assert "something broke" in faults
    page.strays.clear()
    page.errors.clear()


def test_stop_in_the_toolbar_ends_a_cell_and_run_all(open_notebook: Opener) -> None:
    page = open_notebook("stop.ipynb", ["import time\nfor _ in range(600): time.sleep(0.1)", "print('went on')"])
    page.start_all()
    page.wait_busy()
    page.page.locator('[data-command="notebook:interrupt-kernel"], [title^="Interrupt the kernel"]').first.click()
    page.wait_done(20)
    expect(page.outputs(0)).to_contain_text("KeyboardInterrupt")
    expect(page.outputs(1)).not_to_contain_text("went on")
