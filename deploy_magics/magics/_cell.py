"""The body of a cell magic: Python whose last expression is the model or the models, or that defines functions."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deploy_magics.binding import Resolver, defined, entries, with_named
from deploy_magics.errors import ArgumentError
from deploy_magics.functions import named

if TYPE_CHECKING:
    from types import TracebackType

    from IPython.core.interactiveshell import InteractiveShell

# A name of the zoo or a path, written as on the magic's line: "resnet50-v2-7", "models/a.onnx".
_BARE = re.compile(r"[\w./~\\:@+-]+")
# A path that cannot be meant as Python. IPython would take a leading "/" for a call.
_PATH = re.compile(r"(?:/|\./|\.\./|~)[\w./~\\:@+-]+")


class Body:
    """A cell's body.

    Parameters
    ----------
    shell : InteractiveShell
        Where it runs.
    magic : str
        Name of the magic, for messages.
    text : str
        What follows the magic's line.
    functions : bool
        Whether it is to define functions and not to end with a model.

    Attributes
    ----------
    silent : bool
        Whether it ended in ``;``.

    Raises
    ------
    ArgumentError
        Where it holds nothing but comments.
    """

    def __init__(self, shell: InteractiveShell, magic: str, text: str, *, functions: bool = False) -> None:
        self.shell = shell
        self.magic = magic
        self.text = text
        bare = [re.sub(r"(^|\s+)#.*$", "", line).strip() for line in text.splitlines()]
        self._lines = [line for line in bare if line]
        if not self._lines:
            hint = f"end it with a model, or write %{magic} MODEL in one line"
            raise ArgumentError(
                f"the cell of %%{magic} is empty", hint="define the functions in it" if functions else hint
            )
        self.silent = self._lines[-1].endswith(";")

    def models(self, resolver: Resolver) -> list[Any]:
        """Run the body and give the models it ends with, as ``Model.of`` takes them.

        Raises
        ------
        ArgumentError, ModelError
            Where it ends with no model.
        Exception
            Whatever the body raises; its traceback begins in the body.
        """
        words = [line.removesuffix(";").strip() for line in self._lines]
        if all(_BARE.fullmatch(word) for word in words):
            found = [resolver.find(word) for word in words]
            return [entry for name, value in found for entry in entries(value, name=name)]
        path = words[-1] if _PATH.fullmatch(words[-1]) else None
        text = self.text if path is None else self.text.rpartition(words[-1])[0]
        # One empty line for the magic's own, so that a traceback tells the cell's line.
        source = "\n" + self.shell.transform_cell(text)  # type: ignore[no-untyped-call]
        tree = self._parse(source)
        if path is not None:
            self._run(tree, self._name(source), "exec")
            return entries(resolver.find(path, variables=False)[1])
        last = tree.body.pop()
        if not isinstance(last, ast.Expr):
            raise self._no_expression(last)
        name = self._name(source)
        self._run(ast.fix_missing_locations(tree), name, "exec")
        written = ast.get_source_segment(source, last.value) or ""
        if _BARE.fullmatch(written) and not self._defined(last.value):
            return entries(resolver.find(written, variables=False)[1])
        value = self._run(ast.Expression(last.value), name, "eval")
        if value is None:
            raise ArgumentError(f"the last expression of the %%{self.magic} cell gave None", hint="end it with a model")
        return _named(last.value, value)

    def functions(self, names: Sequence[str] = ()) -> dict[str, Callable[..., Any]]:
        """Run the body and give the functions it defines at its top level, and those its last expression names.

        Parameters
        ----------
        names : sequence of str
            Functions that must be there; empty for any two or more.

        Raises
        ------
        ArgumentError
            Where functions are missing, or the last expression holds something else.
        Exception
            Whatever the body raises; its traceback begins in the body.
        """
        source = "\n" + self.shell.transform_cell(self.text)  # type: ignore[no-untyped-call]
        tree = self._parse(source)
        whole = list(tree.body)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        name = self._name(source)
        self._run(ast.fix_missing_locations(tree), name, "exec")
        expression = last.value if isinstance(last, ast.Expr) else None
        value = None if expression is None else self._run(ast.Expression(expression), name, "eval")
        found = defined(ast.Module(whole, []), self.shell.user_ns)
        return named(with_named(expression, value, found), names)

    def _parse(self, source: str) -> ast.Module:
        try:
            tree = ast.parse(source)
            # Compiled whole, since only that finds a "return" or "await" out of place.
            compile(tree, "<cell>", "exec", dont_inherit=True)
        except SyntaxError as error:
            if "await" in error.msg or "asynchronous" in error.msg or "async" in error.msg:
                raise ArgumentError(
                    f"a %%{self.magic} cell cannot await", hint="await in a cell before, and name the variable here"
                ) from None
            if _BARE.fullmatch(self._lines[-1]) and re.search(r"[/\\]|\.[a-z]", self._lines[-1]):
                raise ArgumentError(
                    f"{self._lines[-1]!r} is not Python", hint="write a path in quotes where it follows other code"
                ) from None
            error.filename = self._name(source)
            raise
        transformed: ast.Module = self.shell.transform_ast(tree)  # type: ignore[no-untyped-call]
        return transformed

    def _name(self, source: str) -> str:
        """Give the file name by which a traceback finds this source."""
        return self.shell.compile.cache(source, self.shell.execution_count)

    def _run(self, tree: Any, name: str, mode: str) -> Any:
        shell = self.shell
        code = shell.compile(tree, name, mode)
        try:
            return eval(code, shell.user_global_ns, shell.user_ns)
        except BaseException as error:
            trace = _inside(error.__traceback__, name)
            if isinstance(error, NameError) and trace is not None and trace.tb_next is None:
                self._explain(error)
            _show_from(shell, error, trace)
            raise

    def _explain(self, error: NameError) -> None:
        from deploy_magics.binding.resolve import zoo_names

        if error.name in zoo_names():
            raise ArgumentError(
                f"there is no variable {error.name!r}", hint=f"a network of the zoo is in quotes here: {error.name!r}"
            ) from None

    def _defined(self, node: ast.AST) -> bool:
        """Tell whether the name an expression begins with exists."""
        first = next((part.id for part in _leftmost(node) if isinstance(part, ast.Name)), None)
        if first is None:
            return True
        scopes: tuple[Mapping[str, Any], ...] = (self.shell.user_ns, self.shell.user_global_ns, vars(builtins))
        return any(first in scope for scope in scopes)

    def _no_expression(self, last: ast.stmt) -> ArgumentError:
        target = last.targets[0] if isinstance(last, ast.Assign) else None
        name = target.id if isinstance(target, ast.Name) else "model"
        return ArgumentError(
            f"the %%{self.magic} cell does not end with an expression", hint=f"add a last line: {name}"
        )


def _leftmost(node: ast.AST) -> list[ast.AST]:
    chain = [node]
    while True:
        node = chain[-1]
        inner = getattr(node, "left", None) or getattr(node, "value", None)
        if not isinstance(inner, ast.AST):
            return chain[::-1]
        chain.append(inner)


def _named(node: ast.expr, value: Any) -> list[Any]:
    """Give the models of a value, those written as plain variables labelled by their names."""
    if isinstance(node, ast.Name):
        return entries(value, name=node.id)
    found = entries(value)
    if not isinstance(node, ast.List | ast.Tuple) or len(node.elts) != len(found):
        return found
    return [
        entry
        for part, item in zip(node.elts, found, strict=True)
        for entry in entries(item, name=part.id if isinstance(part, ast.Name) else None)
    ]


def _inside(trace: TracebackType | None, name: str) -> TracebackType | None:
    """Skip the frames before the body's own."""
    while trace is not None and trace.tb_frame.f_code.co_filename != name:
        trace = trace.tb_next
    return trace


def _show_from(shell: InteractiveShell, error: BaseException, trace: TracebackType | None) -> None:
    """Have IPython show an exception from the body on, without the magic's own frames before it."""
    if trace is None or hasattr(error, "_render_traceback_"):
        return

    def render() -> Any:
        return shell.InteractiveTB.structured_traceback(type(error), error, trace, tb_offset=0)

    try:
        error._render_traceback_ = render  # type: ignore[attr-defined]
    except AttributeError:
        # A class with slots: the traceback is longer, and as true.
        return
