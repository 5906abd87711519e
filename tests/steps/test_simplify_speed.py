from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper, save

from deploy_magics.errors import DeployError
from deploy_magics.steps.simplify import simplify


def test_a_bound_on_one_worker_is_not_handed_on_as_that_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    nodes = [helper.make_node("Identity", ["x"], ["h"]), helper.make_node("Relu", ["h"], ["y"])]
    graph = helper.make_graph(nodes, "g", infos[:1], infos[1:])
    path = tmp_path / "a.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    given: list[dict[str, Any]] = []

    def record(*_: object, **options: Any) -> None:
        given.append(options)
        raise DeployError("not now")

    monkeypatch.setattr(importlib.import_module("deploy_magics.steps.bench"), "bench", record)
    result = simplify(path, bench=True, memory=2)
    assert "speed could not be measured: not now" in [note.text for note in result.notes]
    assert [options.get("memory") for options in given] == [None]
