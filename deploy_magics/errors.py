"""Errors that are one line: what is wrong, and what to do about it.

IPython asks an exception for ``_render_traceback_``; ours answers with that one line, so that a notebook shows it,
marks the cell as failed and stops Run All. Set ``DeployError.show_traceback = True`` (in a notebook:
``%config DeployMagics.traceback = True``) to see where it came from.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from deploy_magics.result import Result


class DeployError(Exception):
    """Anything a user can mend, said in one line.

    Parameters
    ----------
    message : str
        What is wrong.
    hint : str, optional
        What to do about it; joined to the message with a semicolon.

    Examples
    --------
    >>> str(DeployError("no file at 'a.onnx'", hint="check the path"))
    "no file at 'a.onnx'; check the path"
    """

    show_traceback: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = " ".join(message.split())
        self.hint = " ".join(hint.split()) if hint else None
        super().__init__(f"{self.message}; {self.hint}" if self.hint else self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would rebuild with the joined text and no hint, losing the parts on the way out of a worker.
        return _rebuild, (type(self), self.message, self.hint, dict(self.__dict__))

    def _render_traceback_(self) -> list[str]:
        return render_line(self, self)


class ModelError(DeployError):
    """A file or object that cannot be used as a model."""


class ArgumentError(DeployError):
    """An option or argument with a wrong name, type or value."""


class MissingPartError(DeployError):
    """An optional package that is not installed; the hint is the command that installs it."""

    @classmethod
    def check(cls, why: str | None) -> None:
        """Raise where a runtime says why it cannot be used here: what is missing, a semicolon, and what to do.

        Examples
        --------
        >>> MissingPartError.check("TVM is not installed; pip install 'deploy-magics[tvm]'")
        Traceback (most recent call last):
        deploy_magics.errors.MissingPartError: TVM is not installed; pip install 'deploy-magics[tvm]'
        """
        if why is not None:
            message, _, hint = why.rpartition("; ")
            raise cls(message or why, hint=hint if message else None)


class VerificationError(DeployError):
    """A changed model that no longer computes what the original does."""


class WorkerError(DeployError):
    """A worker process that crashed, ran out of time or memory, or raised something unforeseen."""


class CutShort(DeployError):
    """Code of a user's that failed after something had been measured.

    Attributes
    ----------
    partial : Result or None
        The result until then, its ``status`` set to ``"interrupted"``; the magics and the shell show it.
    """

    partial: Result | None = None


class Interrupted(KeyboardInterrupt):
    """A step stopped by the user, with what it had measured until then.

    Parameters
    ----------
    partial : Result, optional
        The result so far, its ``status`` set to ``"interrupted"``.
    message : str
        One line that says what was kept.
    """

    def __init__(self, partial: Result | None = None, message: str = "interrupted") -> None:
        self.partial = partial
        super().__init__(message)

    def _render_traceback_(self) -> list[str]:
        text = str(self)
        if text.startswith("interrupted") and not DeployError.show_traceback:
            # The message says the class's name already.
            return [text[:1].upper() + text[1:]]
        return render_line(self, self)


def _rebuild(kind: type[DeployError], message: str, hint: str | None, state: dict[str, Any]) -> DeployError:
    error = kind.__new__(kind)
    DeployError.__init__(error, message, hint=hint)
    error.__dict__.update(state)
    return error


def render_line(error: BaseException, text: object) -> list[str]:
    """Render an exception as one line, or as its whole traceback where that was asked for."""
    if DeployError.show_traceback:
        import traceback

        # IPython joins the lines itself.
        return "".join(traceback.format_exception(error)).splitlines()
    return [f"{type(error).__name__}: {text}"]


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Suggest the known words nearest to one that is not known.

    Examples
    --------
    >>> did_you_mean("resnet5", ["resnet50", "vgg16"])
    "did you mean 'resnet50'?"
    >>> did_you_mean("zzz", ["resnet50"]) is None
    True
    """
    near = difflib.get_close_matches(word, sorted(set(known)), n=2, cutoff=0.6)
    return f"did you mean {' or '.join(map(repr, near))}?" if near else None


def require(module: str, *, extra: str, purpose: str) -> Any:
    """Import an optional module, or say in one line which extra installs it.

    Parameters
    ----------
    module : str
        Dotted module name.
    extra : str
        The extra of this package that brings it.
    purpose : str
        What it is needed for, as the subject of the sentence: ``"exporting resnet50"``.

    Raises
    ------
    MissingPartError
        Where the module is not installed.
    """
    import importlib

    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and not (module == error.name or module.startswith(error.name + ".")):
            raise
        raise MissingPartError(
            f"{purpose} needs the package {module.split('.')[0]!r}, which is not installed",
            hint=f"pip install 'deploy-magics[{extra}]'",
        ) from None
