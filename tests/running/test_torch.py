"""Torch modules as they run in a worker: from a file, on arrays or tensors."""

from __future__ import annotations

import threading
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import torch
from torch import nn

from deploy_magics.converting.torchscript import pack
from deploy_magics.errors import ModelError
from deploy_magics.running import open_session


class Keeps(nn.Module):
    """Defined here, so that its class has to come along; keeps what it is given."""

    def __init__(self):
        super().__init__()
        self.given = ()

    def forward(self, *given):
        self.given = given
        return {"all": given}


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (np.arange(3, dtype=np.float32), torch.float32),
        (np.arange(3).astype(ml_dtypes.bfloat16), torch.bfloat16),
        (torch.arange(3), torch.int64),
        (torch.arange(3).bfloat16(), torch.bfloat16),
    ],
)
def test_a_module_from_a_file_on_arrays_and_tensors(value: object, dtype: torch.dtype, tmp_path: Path) -> None:
    path = tmp_path / "module.pickle"
    pack(Keeps(), (1, 1), ("x", "y"), path)
    session = open_session(str(path), "torch", torch.get_num_threads(), {"packed": str(path), "outputs": ()})
    session.set_inputs({"x": value, "y": 2.0})
    session.run()
    first, second = session._module.given
    assert (first.dtype, first.tolist(), second) == (dtype, [0, 1, 2], 2.0)


def test_what_cannot_be_sent_is_one_line(tmp_path: Path) -> None:
    module = Keeps()
    module.lock = threading.Lock()
    with pytest.raises(ModelError, match=r"^Keeps cannot be sent to another process: TypeError: ") as caught:
        pack(module, (), (), tmp_path / "module.pickle")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
