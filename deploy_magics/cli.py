"""Steps as shell commands: ``deploy-magics bench a.onnx b.onnx``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from deploy_magics import __version__
from deploy_magics.arguments import OutputPath
from deploy_magics.errors import ArgumentError, CutShort, DeployError, Interrupted, did_you_mean
from deploy_magics.files import check_place

if TYPE_CHECKING:
    from deploy_magics.binding import Binding
    from deploy_magics.result import Result

PROGRAM = "deploy-magics"
FAILURE, USAGE, INTERRUPTED = 1, 2, 130
_WORKBOOKS = "Open the workbooks in JupyterLab, or run them with --run."
_SHOW = "Show a result that was saved with --json or --save."
_COMPLETION = "--install-completion"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows the program's name; by default that of this process.

    Returns
    -------
    int
        0, or 1 where something failed, 2 where the arguments are wrong, 130 after an interrupt.
    """
    try:
        return _main(list(sys.argv[1:] if arguments is None else arguments))
    except ArgumentError as error:
        return _complain(error, USAGE)
    except DeployError as error:
        return _complain(error, FAILURE)
    except KeyboardInterrupt as stop:
        return _complain(stop if isinstance(stop, Interrupted) else "interrupted", INTERRUPTED)
    except BrokenPipeError:
        # Whoever read the output has gone (head, less): nothing to tell, and nobody to tell it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE


def _main(arguments: list[str]) -> int:
    from deploy_magics.steps import names

    command, rest = (arguments[0], arguments[1:]) if arguments else ("--help", [])
    if command in ("--help", "-h", "help"):
        return _say(overview())
    if command in ("--version", "-V"):
        return _say(f"{PROGRAM} {__version__}")
    if command in (_COMPLETION, "__complete"):
        return _completion(arguments)
    if command in _OTHERS:
        return _other(command, rest)
    if command in names():
        return _step(command, rest)
    known = [*names(), *_OTHERS, "--help", "--version", _COMPLETION]
    kind = "option" if command.startswith("-") else "step"
    raise ArgumentError(
        f"there is no {kind} {command!r}", hint=did_you_mean(command, known) or f"{PROGRAM} --help lists them"
    )


def overview() -> str:
    """Give the help of the program: the steps, in the order of the flow."""
    from deploy_magics.steps import all_steps

    steps = all_steps()
    width = max(len(step.name) for step in steps) + 3
    flow = [f"  {step.name:<{width}}{step.answers}" for step in steps]
    others = [
        ("show FILE", _SHOW),
        ("workbooks", _WORKBOOKS),
        ("--version", "Show the version."),
        (_COMPLETION, "Have the shell complete steps, options and models with Tab."),
    ]
    wide = max(len(name) for name, _ in others) + 3
    return "\n".join(
        [
            f"Usage: {PROGRAM} STEP [MODEL...] [OPTIONS]",
            "",
            "From a trained model to one that meets its target. The steps, in order:",
            "",
            *flow,
            "",
            f"{PROGRAM} STEP --help tells all about one. A MODEL is a path or a name of the zoo, and may be labelled:",
            f"{PROGRAM} bench before=resnet50 after=resnet50_simplified.onnx",
            "",
            *(f"  {name:<{wide}}{about}" for name, about in others),
        ]
    )


def _step(name: str, arguments: Sequence[str]) -> int:
    from deploy_magics.binding import Resolver, shell_words
    from deploy_magics.result.goals import current, parse_goals, set_goals

    binding = _binding(name)
    words = shell_words(arguments)
    if binding.asks_help(words):
        return _say(binding.help())
    resolver = Resolver()
    call = binding.parse(words, resolver)
    force = bool(call.extras.get("force", call.values.get("force")))
    saved = Path(call.extras["json"]).expanduser() if "json" in call.extras else None
    if saved is not None:
        # Said before the work and not after it.
        check_place(saved, force=force)
    set_goals(parse_goals(call.extras.get("goals", "")) or current())
    try:
        with _reporting():
            result: Result = binding.call(call.values)
    except (Interrupted, CutShort) as stop:
        if stop.partial is not None:
            _give(stop.partial, saved, force)
        raise
    return _give(result, saved, force)


def show(path: Path) -> int:
    """Show a result that was saved with --json or --save.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    int
        Exit status.
    """
    from deploy_magics.result import load_result

    return _say(str(load_result(path)))


def _give(result: Result, saved: Path | None, force: bool) -> int:
    # Shown first: a disk that is full by now costs the file, not the result.
    _say(str(result))
    if saved is not None:
        result.to_json(saved, force=force)
    return 0


def _binding(name: str) -> Binding:
    from deploy_magics.binding import SHELL, Binding
    from deploy_magics.steps import get

    return Binding(get(name).function, f"{PROGRAM} {name}", SHELL)


def _reporting() -> AbstractContextManager[None]:
    """Show progress to a person; a log gets the lines of a search, which may last for hours, and no others."""
    from deploy_magics.progress import reporting

    def reporter() -> Any:
        from deploy_magics.views.progress import TerminalReporter

        return TerminalReporter(searches_only=True)

    return reporting(reporter)


def workbooks(
    *names: str,
    run: bool = False,
    port: int | None = None,
    browser: bool = True,
    quick: bool = False,
    timeout: float = 600.0,
    save: Annotated[Path | None, OutputPath()] = None,
) -> int:
    """Open the workbooks in JupyterLab, or run them.

    Those of a checkout are opened where they are; those of an installed package are first copied into the folder
    deploy-magics-workbooks, here.

    Parameters
    ----------
    *names : str
        Which, by name or number (02_simplify, 2). Opening takes the first; by default 00_start_here. Running takes
        all of them.
    run : bool
        Run them without JupyterLab, each in a fresh kernel and a scratch copy, and print a line for each.
    port : int
        Port of JupyterLab; by default the first that is free, from 8888 on.
    browser : bool
        Open a browser, or only print the address.
    quick : bool
        With --run: smaller parameters, as in the tests.
    timeout : float
        With --run: seconds that a cell may take.
    save : path
        With --run: folder to write the executed notebooks to.

    Returns
    -------
    int
        Exit status.
    """
    from deploy_magics import workbooks as books

    if run:
        outcomes = books.run(names, quick=quick, timeout=timeout, save=save, report=lambda one: _say(str(one)))
        failed = sum(not one.ok for one in outcomes)
        total = sum(one.seconds for one in outcomes)
        verdict = f"{failed} of {len(outcomes)} failed" if failed else f"all {len(outcomes)} ok"
        _say(f"{'':<28} {total:6.1f} s  {verdict}")
        return FAILURE if failed else 0
    folder = books.find(Path.cwd() / books.COPY)
    return books.open_lab(books.choose(folder, names or [books.FIRST])[0], port=port, browser=browser, say=_say)


_OTHERS: dict[str, Callable[..., int]] = {"show": show, "workbooks": workbooks}


def _other(name: str, arguments: Sequence[str]) -> int:
    from deploy_magics.binding import HELP, Binding, Resolver, shell_words

    binding = Binding(_OTHERS[name], f"{PROGRAM} {name}", HELP)
    words = shell_words(arguments)
    if binding.asks_help(words):
        return _say(binding.help())
    status: int = binding.call(binding.parse(words, Resolver()).values)
    return status


def _completion(arguments: Sequence[str]) -> int:
    """Install the shell's completion, or answer what the installed script asks."""
    from cyclopts import App

    from deploy_magics.binding import Binding
    from deploy_magics.steps import all_steps

    app = App(name=PROGRAM, version=__version__, help_format="plaintext")
    for step in all_steps():
        app.command(_binding(step.name).app(), name=step.name)
    for name, function in _OTHERS.items():
        app.command(Binding(function, f"{PROGRAM} {name}").app(), name=name)
    app.register_install_completion_command(name=_COMPLETION)
    app(arguments, result_action="return_value")
    return 0


def _say(text: str) -> int:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
    return 0


def _complain(problem: object, status: int) -> int:
    sys.stdout.flush()
    # The program is named once, also where a message begins with how it was called.
    text = str(problem).removeprefix(f"{PROGRAM} ")
    sys.stderr.write(f"{PROGRAM}: {text}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
