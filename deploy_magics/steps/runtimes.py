"""``%runtimes``: what can run a model here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_magics.errors import DeployError
from deploy_magics.result import Cell, Column, Missing, Note, Result, Row, Table
from deploy_magics.steps._registry import step

if TYPE_CHECKING:
    from deploy_magics.running import Runtime

_COLUMNS = (
    Column("name", "--on", kind="text", help="Its short name."),
    Column("title", "runtime", kind="text"),
    Column("version", "version", kind="text"),
    Column("usable", "here", kind="text", help="Whether it can be used on this machine."),
    Column("precision", "computes in", kind="text", help="Unless another is asked for."),
    Column("loads", "loads", kind="text", help="Files and modules that it can load."),
    Column("threads", "threads", kind="text", help="How --threads is kept to.", shown=False),
    Column("install", "install", kind="text", help="The command that installs it.", shown=False),
    Column("from", "from", kind="text", help="Where it comes from.", shown=False),
)
_UNTOLD = Missing("it does not say")


class RuntimesResult(Result):
    """What can run a model here: a row for each runtime, and for each way in which it can be asked to run."""

    @property
    def usable(self) -> tuple[str, ...]:
        """Short names of those that can be used on this machine."""
        return tuple(str(row.cells["name"]) for row in self.table.rows if row.cells.get("usable") == "yes")


@step(answers="What can run a model here?", workbook="07_runtimes", order=55)
def runtimes(*names: str, variants: bool = False) -> RuntimesResult:
    """List inference runtimes: version, what each loads and computes in, whether it runs here, how to install it.

    Packages add their own by the entry-point group ``deploy_magics.runtimes``.

    Parameters
    ----------
    *names
        Those to list, such as ``openvino``; by default all.
    variants
        List as well the other ways in which they can be asked to run, such as ``openvino:bf16``, where these can be
        used here or were named.

    Returns
    -------
    RuntimesResult
        A row for each; ``.usable`` has the names for ``--on``.

    Raises
    ------
    ArgumentError
        Where there is none of a name.

    Examples
    --------
    What is there, and how do I get the others::

        %runtimes

    In what other ways can they run::

        %runtimes --variants
    """
    from deploy_magics import running

    for name in names:
        running.get(name)
    listed = [name for given in names or running.names() for name in _with_variants(given, variants)]
    rows = [_row(name, given=name in names) for name in dict.fromkeys(listed)]
    kept = tuple(row for row in rows if row is not None)
    result = RuntimesResult(step="runtimes", headline="", tables=(Table(_COLUMNS, kept),), notes=_notes(variants))
    here = result.usable
    if len(here) < len(kept):
        result.headline = f"{len(here)} of {len(kept)} can be used here: {', '.join(here) or 'none'}"
    else:
        result.headline = f"all {len(kept)} can be used here" if len(kept) > 1 else f"{here[0]} can be used here"
    return result


def _with_variants(name: str, wanted: bool) -> list[str]:
    from deploy_magics import running

    if not wanted or ":" in name:
        return [name]
    try:
        found = running.get(name)
    except DeployError:
        return [name]
    return [name, *(f"{name}:{each}" for each in found.variants)] if isinstance(found, running.HasVariants) else [name]


def _row(name: str, *, given: bool) -> Row | None:
    """Tell of one; None for a variant that cannot be used and was not asked for."""
    from deploy_magics import running

    try:
        found = running.get(name)
        why = running.why_not(found)
    except DeployError as error:
        return Row({"name": name, "usable": "no"}, status="failed", note=str(error))
    if why is not None and ":" in name and not given:
        return None
    cells = {"name": name, "title": found.title, "usable": "yes" if why is None else "no", **_about(found)}
    if why is None:
        return Row({**cells, "version": running.version(found)})
    return Row({**cells, "version": Missing("it is not here")}, status="partial", note=why)


def _about(runtime: Runtime) -> dict[str, Cell]:
    from deploy_magics import running

    about = getattr(runtime, "about", None)
    told: dict[str, Cell] = dict.fromkeys(("loads", "threads", "precision", "install"), _UNTOLD)
    if isinstance(about, running.About):
        told = {key: getattr(about, key) for key in told}
    coarser = str(getattr(runtime, "arithmetic", ""))
    if coarser:
        told["precision"] = coarser
    return {**told, "from": "built in" if type(runtime).__module__.startswith("deploy_magics.") else "another package"}


def _notes(variants: bool) -> tuple[Note, ...]:
    notes = [Note("measure on several with %bench MODEL --on ort,openvino; compare with %align MODEL --on openvino")]
    if not variants:
        notes.append(Note("some run in other ways too, as openvino:bf16 or torch:compile: %runtimes --variants"))
    return tuple(notes)
