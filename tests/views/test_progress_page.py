"""The progress bar in a page: what it shows, and how Stop reaches a kernel that is at work."""

from __future__ import annotations

from typing import Any

import pytest

from tests.views.stage import Stage

STATE = {"title": "bench: a, b", "detail": "ratio 1.12", "fraction": 0.43, "elapsed": 75.0, "kernel": "abc-123"}
KERNEL = "/user/me/api/kernels/abc-123/interrupt"


def _id(page: Any, name: str) -> Any:
    return page.locator(f'[data-testid="{name}"]')


def _config(stage: Stage, script: str) -> None:
    stage.act(lambda page: page.evaluate(f"() => {{ {script} }}"))


LAB = """
  const script = document.createElement("script");
  script.id = "jupyter-config-data"; script.type = "application/json";
  script.textContent = JSON.stringify({ baseUrl: "/user/me/", token: "t0k" });
  document.head.append(script);
  document.cookie = "_xsrf=x%7Cy";
"""


def test_it_shows_what_is_done_and_follows_the_work(stage: Stage) -> None:
    stage.mount("progress", **STATE)

    def check(page: Any) -> None:
        bar = page.locator('[role="progressbar"]')
        assert bar.get_attribute("aria-valuenow") == "43"
        assert _id(page, "dm-elapsed").inner_text() == "1:15"
        page.evaluate("mounted[0].model.receive('fraction', 0.5)")
        page.evaluate("mounted[0].model.receive('detail', '<b>now</b>')")
        assert bar.get_attribute("aria-valuenow") == "50"
        assert "<b>now</b>" in _id(page, "dm-progress").inner_text()
        page.evaluate("mounted[0].model.receive('fraction', -1)")
        assert bar.get_attribute("aria-valuenow") is None

    stage.act(check)


def test_stop_asks_the_server_as_the_toolbar_does(stage: Stage) -> None:
    _config(stage, LAB)
    stage.mount("progress", **STATE)

    def check(page: Any) -> None:
        with page.expect_request(lambda request: request.method == "POST"):
            _id(page, "dm-stop").click()
        assert _id(page, "dm-stop").is_disabled()
        assert page.evaluate("mounted[0].model.sent") == []

    stage.act(check)
    ((method, path, headers),) = stage.asked
    assert (method, path) == ("POST", KERNEL)
    assert headers["x-xsrftoken"] == "x|y"
    assert headers["authorization"] == "token t0k"


def test_the_older_notebooks_server_is_found_too(stage: Stage) -> None:
    _config(stage, 'document.body.dataset.baseUrl = "/user/me";')
    stage.mount("progress", **STATE)

    def check(page: Any) -> None:
        with page.expect_request(lambda request: request.method == "POST"):
            _id(page, "dm-stop").click()

    stage.act(check)
    assert stage.asked[0][1] == KERNEL


def test_without_a_server_the_widget_itself_is_heard(stage: Stage) -> None:
    stage.mount("progress", **STATE)

    def check(page: Any) -> None:
        _id(page, "dm-stop").click()
        page.wait_for_function("mounted[0].model.sent.length === 1")
        assert page.evaluate("mounted[0].model.sent") == [{"stop": True}]

    stage.act(check)
    assert stage.asked == []


@pytest.mark.parametrize(("answer", "said"), [(403, "it answered 403"), (0, "Failed to fetch")])
def test_where_the_server_refuses_the_kernel_is_asked_and_then_the_reader_told(
    stage: Stage, answer: int, said: str
) -> None:
    _config(stage, LAB)
    stage.answer = answer
    stage.mount("progress", **STATE)

    def check(page: Any) -> None:
        _id(page, "dm-stop").click()
        page.wait_for_function("mounted[0].model.sent.length === 1")
        assert page.evaluate("mounted[0].model.sent") == [{"stop": True}]
        assert _id(page, "dm-refused").inner_text() == ""  # the kernel is given time to hear it
        assert _id(page, "dm-stop").is_disabled()
        page.wait_for_function("document.querySelector('.dm-progress-refused').textContent")
        shown = _id(page, "dm-refused").inner_text()
        assert shown == f"the server refused ({said}); use the toolbar's square"
        assert _id(page, "dm-stop").is_enabled()
        assert _id(page, "dm-js-error").count() == 0

    stage.act(check)


def test_the_clock_does_not_jump_back_when_the_view_is_drawn_again(stage: Stage) -> None:
    stage.mount("progress", **STATE)

    def check(page: Any) -> None:
        page.evaluate(
            """async () => {
              const now = Date.now;
              Date.now = () => now() + 60000;
              const [{ model, leave, el }] = mounted;
              leave();
              el.replaceChildren();
              (await import("/static/progress.js")).default.render({ model, el });
            }"""
        )
        assert _id(page, "dm-elapsed").inner_text() in ("2:15", "2:16")
        # A report that was long under way says less time than has passed; one of more time than was known counts.
        page.evaluate("mounted[0].model.receive('elapsed', 100)")
        page.wait_for_timeout(1100)
        assert _id(page, "dm-elapsed").inner_text() >= "2:16"
        page.evaluate("mounted[0].model.receive('elapsed', 200)")
        page.wait_for_function("document.querySelector('[data-testid=dm-elapsed]').textContent >= '3:20'")

    stage.act(check)


def test_no_other_server_and_no_other_address_is_ever_asked(stage: Stage) -> None:
    for script, kernel in (
        ('document.body.dataset.baseUrl = "https://elsewhere.invalid/";', "abc"),
        ('document.body.dataset.baseUrl = "/";', "../../contents"),
        ('document.body.dataset.baseUrl = "/";', ""),
    ):
        stage.clear()
        _config(stage, script)
        stage.mount("progress", **{**STATE, "kernel": kernel})

        def check(page: Any) -> None:
            _id(page, "dm-stop").click()
            page.wait_for_function("mounted[0].model.sent.length === 1")

        stage.act(check)
        assert stage.asked == []
