"""The magics where they are used: in a kernel, spoken to as a front end does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from deploy_magics import workbooks

ROOT = Path(__file__).parents[2]
SETUP = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.magics import toys
toys.install()
%load_ext deploy_magics
"""


class Front:
    """A front end without a page: sends cells and gathers what comes back."""

    def __init__(self, manager: KernelManager, client: Any) -> None:
        self.manager = manager
        self.client = client

    def send(self, *cells: str) -> list[str]:
        """Send cells at once, as Run All does."""
        return [self.client.execute(cell) for cell in cells]

    def finish(self, *sent: str) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
        """Wait for the cells, and give the reply and the outputs of each."""
        replies: dict[str, dict[str, Any]] = {}
        outputs: dict[str, list[dict[str, Any]]] = {one: [] for one in sent}
        idle: set[str] = set()
        while len(replies) < len(sent):
            message = self.client.get_shell_msg(timeout=60)
            if message["parent_header"].get("msg_id") in sent:
                replies[message["parent_header"]["msg_id"]] = message["content"]
        while len(idle) < len(sent):
            message = self.client.get_iopub_msg(timeout=60)
            parent, content = message["parent_header"].get("msg_id"), message["content"]
            if parent in sent and content.get("execution_state") == "idle":
                idle.add(parent)
            elif parent in sent and message["msg_type"] in ("stream", "display_data", "execute_result", "error"):
                outputs[parent].append({"kind": message["msg_type"], **content})
        return [(replies[one], outputs[one]) for one in sent]

    def run(self, cell: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        return self.finish(*self.send(cell))[0]

    def value(self, expression: str) -> str:
        reply, outputs = self.run(f"print({expression})")
        assert reply["status"] == "ok", outputs
        return text(outputs).strip()


def text(outputs: list[dict[str, Any]]) -> str:
    return "".join(str(out.get("text") or out.get("data", {}).get("text/plain", "")) for out in outputs)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    specs: KernelSpecManager = workbooks.own_kernelspecs()
    manager = KernelManager(kernel_name="python3", kernel_spec_manager=specs)
    manager.start_kernel(cwd=str(tmp_path_factory.mktemp("kernel")))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        front = Front(manager, client)
        reply, outputs = front.run(SETUP)
        assert reply["status"] == "ok", outputs
        yield front
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_result_is_html_with_text_beside_it(kernel: Front) -> None:
    reply, outputs = kernel.run("%toy resnet50")
    assert reply["status"] == "ok"
    first = outputs[0]
    assert first["kind"] == "display_data"
    assert "toy saw resnet50" in first["data"]["text/html"]
    assert "toy saw resnet50" in first["data"]["text/plain"]
    assert sum("text/html" in out.get("data", {}) for out in outputs) == 1


def test_a_silenced_magic_gives_no_output(kernel: Front) -> None:
    assert kernel.run("%toy resnet50;")[1] == []
    assert kernel.run("%%toy -o kept\nresnet50;")[1] == []
    assert kernel.value("kept.headline") == "toy saw resnet50"


def test_an_error_is_one_line_and_stops_run_all(kernel: Front) -> None:
    (failed, outputs), (after, _) = kernel.finish(*kernel.send("%toy resnet51", "ran = True"))
    assert failed["status"] == "error"
    assert failed["ename"] == "ModelError"
    (out,) = outputs
    assert out["kind"] == "error"
    assert len(out["traceback"]) == 1
    assert out["traceback"][0].startswith("ModelError: there is no variable, file or network")
    assert "\n" not in out["traceback"][0]
    assert after["status"] == "aborted"
    assert kernel.value("'ran' in globals()") == "False"


def test_an_error_in_a_cells_body_stops_run_all(kernel: Front) -> None:
    (failed, outputs), (after, _) = kernel.finish(*kernel.send("%%toy\nx = 1\nx / 0", "ran = True"))
    assert (failed["status"], failed["ename"], after["status"]) == ("error", "ZeroDivisionError", "aborted")
    trace = "\n".join(outputs[-1]["traceback"])
    assert "line 3" in trace or "----> 3" in trace
    assert "run_cell_magic" not in trace


def test_stop_keeps_and_shows_what_was_measured_and_stops_run_all(kernel: Front, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    sent = kernel.send(f"%slow lenet --seconds 60 -o partial --mark {begun}", "ran = True")
    deadline = time.monotonic() + 30
    while not begun.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    kernel.manager.interrupt_kernel()
    (failed, outputs), (after, _) = kernel.finish(*sent)
    assert failed["ename"] == "Interrupted"
    assert failed["traceback"] == ["Interrupted; what was measured is kept"]
    assert "slow saw lenet" in text(outputs)
    assert after["status"] == "aborted"
    assert kernel.value("partial.status") == "interrupted"


def test_help_of_question_mark_is_the_docstring(kernel: Front) -> None:
    reply, _ = kernel.run("%toy?")
    (page,) = reply["payload"]
    assert "Usage: %toy MODEL... [OPTIONS]" in page["data"]["text/plain"]
    _, outputs = kernel.run("%toy --help")
    assert text(outputs).strip() in page["data"]["text/plain"]


def test_completion_over_the_wire(kernel: Front) -> None:
    code = "%toy resnet50 --by="
    sent = kernel.client.complete(code, len(code))
    while (message := kernel.client.get_shell_msg(timeout=60))["parent_header"].get("msg_id") != sent:
        continue
    assert {"node", "op"} <= set(message["content"]["matches"])
