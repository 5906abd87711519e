"""What happens when a magic is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from deploy_magics.errors import ArgumentError, CutShort, Interrupted
from deploy_magics.magics._display import shown

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from deploy_magics.binding import Binding, Call, Resolver
    from deploy_magics.magics._config import DeployMagics
    from deploy_magics.progress import Reporter
    from deploy_magics.result import Result
    from deploy_magics.steps import Step

MARK = "__deploy_magic__"


def make_magic(magics: DeployMagics, name: str) -> Callable[..., Any]:
    """Make the function that IPython calls for one step, without importing the step."""
    from IPython.core.magic import no_var_expand

    def magic(line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        # Hides this frame in a traceback that is the user's.
        __tracebackhide__ = True
        return Runner(magics, name).run(line, cell, local_ns or {})

    magic.__name__ = magic.__qualname__ = name
    magic.__doc__ = f"A step of deploy_magics; %{name} --help tells all."
    magic.getdoc = lambda: Runner(magics, name).help()  # type: ignore[attr-defined]
    magic.needs_local_scope = True  # type: ignore[attr-defined]
    setattr(magic, MARK, name)
    # IPython would replace $x and {x} as text, and leave alone what names nothing.
    return no_var_expand(magic)


class HelpText:
    """Help, shown as it is."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


class Runner:
    """One call of one step's magic.

    Parameters
    ----------
    magics : DeployMagics
        Its settings.
    name : str
        The step.
    """

    def __init__(self, magics: DeployMagics, name: str) -> None:
        from deploy_magics.binding import NOTEBOOK, Binding
        from deploy_magics.steps import get

        self.magics = magics
        assert magics.shell is not None
        self.shell: InteractiveShell = magics.shell
        self.step: Step = get(name)
        self.binding: Binding = Binding(self.step.function, f"%{name}", NOTEBOOK, cell=self.step.cell)

    def help(self) -> str:
        """Give the step's help."""
        return self.binding.help(self.magics.defaults())

    def run(self, line: str, cell: str | None, local: Mapping[str, Any]) -> Result | None:
        """Run the step, show and keep its result."""
        __tracebackhide__ = True
        from deploy_magics.binding import Resolver, split_line
        from deploy_magics.magics._cell import Body

        namespace = {**self.shell.user_ns, **local}
        words = split_line(line, namespace)
        if self.binding.asks_help(words):
            self._display(HelpText(self.help()))
            return None
        if cell is not None and not self.step.cell:
            raise ArgumentError(f"%%{self.step.name} has no cell form", hint=f"write %{self.step.name} in one line")
        resolver = Resolver(namespace)
        takes = self.binding.functions_option
        body = Body(self.shell, self.step.name, cell, functions=bool(takes)) if cell is not None else None
        # The line is read first: a mistyped option should not wait for the body to run.
        if body is not None and takes is not None:
            names = takes.names
            call = self.binding.parse(words, resolver, functions=lambda: body.functions(names))
        else:
            call = self.binding.parse(words, resolver, models=(lambda: body.models(resolver)) if body else None)
        silent = words.silent or bool(body and body.silent)
        return self._call(call, resolver, silent)

    def _call(self, call: Call, resolver: Resolver, silent: bool) -> Result | None:
        __tracebackhide__ = True
        from deploy_magics.result.goals import current

        known = {option.name for option in self.binding.options}
        defaults = {name: value for name, value in self.magics.defaults().items() if name in known}
        keep = call.extras.get("keep")
        # What the environment says of goals is checked before the work and not after it.
        current()
        try:
            with self._reporting():
                result: Result = self.binding.call({**defaults, **call.values})
        except (Interrupted, CutShort) as stop:
            if stop.partial is not None:
                self._give(stop.partial, keep, resolver, silent)
            raise
        except KeyboardInterrupt:
            raise Interrupted(None, f"{self.step.name} was interrupted; nothing was kept") from None
        self._give(result, keep, resolver, silent)
        return result

    def _give(self, result: Result, keep: str | None, resolver: Resolver, silent: bool) -> None:
        from deploy_magics.result import Note

        if resolver.notes:
            result.notes = (*result.notes, *(Note(text) for text in resolver.notes))
        if keep:
            self.shell.user_ns[keep] = result
        if not silent:
            self._display(result)
        shown(result)

    def _display(self, shown: Any) -> None:
        from IPython.display import display

        display(shown)  # type: ignore[no-untyped-call]

    def _reporting(self) -> AbstractContextManager[None]:
        from deploy_magics.progress import reporting

        return reporting(_reporter) if self.magics.progress else nullcontext()


def _reporter() -> Reporter:
    """Make what shows progress; called by a step's first report, so that one without imports nothing."""
    from deploy_magics.views.progress import reporter

    return reporter()
