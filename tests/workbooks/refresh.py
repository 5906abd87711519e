"""Run the workbooks and put their outputs into the repository: ``python -m tests.workbooks.refresh [NAME ...]``.

What is committed shows itself without JavaScript, so widgets' views are left out, and with them whatever changes from
run to run without telling a reader anything.
"""

from __future__ import annotations

import base64
import io
import sys
from typing import Any

import nbformat

from deploy_magics import workbooks
from tests.house.repository import ROOT

_WIDGET = "application/vnd.jupyter.widget-view+json"


def stripped(notebook: Any) -> Any:
    """Give the notebook with its static outputs alone."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _speaks(output)]
            for output in cell.outputs:
                output.get("metadata", {}).clear()
                if "image/png" in output.get("data", {}):
                    output.data["image/png"] = _smaller(output.data["image/png"])
    return notebook


def _smaller(picture: str) -> str:
    """Write a picture with a palette: a third of the size, and drawings have few colours."""
    from PIL import Image

    made = io.BytesIO()
    Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB").quantize(64).save(made, "png", optimize=True)
    return base64.b64encode(made.getvalue()).decode("ascii")


def _speaks(output: Any) -> bool:
    if output.output_type in {"stream", "error"}:
        return True
    # A progress bar leaves an output without content.
    return any(output.data.values()) and _WIDGET not in output.data


def main(names: list[str]) -> int:
    """Refresh the named workbooks, by default all; give the number that failed and were left as they are."""
    folder = ROOT / "workbooks"
    outcomes = workbooks.run(names, folder=folder, report=lambda outcome: sys.stdout.write(f"{outcome}\n"))
    for outcome in outcomes:
        if outcome.ok:
            nbformat.write(stripped(outcome.notebook), folder / f"{outcome.name}.ipynb")
    return sum(not outcome.ok for outcome in outcomes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
