"""``%deploy``: the flow at a glance."""

from __future__ import annotations

from deploy_magics.result import Column, Missing, Note, Result, Row, Table
from deploy_magics.steps._registry import all_steps, step

_COLUMNS = (
    Column("magic", "magic", kind="text", help="What to write in a cell."),
    Column("answers", "answers", kind="text", help="The question it is for."),
    Column("form", "form", kind="text", help="Whether it also takes a cell, whose last expression is the model."),
    Column("workbook", "workbook", kind="text", help="The notebook that teaches it."),
)


class DeployResult(Result):
    """The steps there are, one row each, in the order of the flow."""


@step(answers="What is there to do, and in which order?", workbook="00_start_here", order=0)
def deploy() -> DeployResult:
    """Show the way from a trained model to one that meets its target.

    One row a step, in the order in which they are used: its magic, the question it answers, whether it also has a cell
    form, and the workbook that teaches it.

    Returns
    -------
    DeployResult
        Its ``table`` has the columns magic, answers, form and workbook.

    Examples
    --------
    >>> deploy().step
    'deploy'

    What there is, in the order of the flow::

        %deploy
    """
    steps = [one for one in all_steps() if one.name != "deploy"]
    rows = tuple(
        Row(
            {
                "magic": f"%{one.name}",
                "answers": one.answers,
                "form": "line, cell" if one.cell else "line",
                "workbook": one.workbook or Missing("none yet"),
            }
        )
        for one in steps
    )
    *before, last = [one.name for one in steps]
    flow = f"{', '.join(before)} and {last}" if before else last
    return DeployResult(
        step="deploy",
        headline=f"From a model to one that meets its target: {flow}.",
        tables=(Table(columns=_COLUMNS, rows=rows),),
        notes=(
            Note("%NAME? tells all about a magic; -o NAME keeps its result; a ; at the end shows nothing"),
            Note("the same steps in Python: deploy_magics.NAME(...), and in a shell: deploy-magics NAME ..."),
        ),
    )
