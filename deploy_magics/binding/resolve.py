"""What the text of a model argument means: a variable of the notebook, a file, or a name of the zoo."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from deploy_magics.errors import ArgumentError, ModelError, did_you_mean

_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
# Their values cannot be models, so a file or network of the same name is what was meant.
_NEVER_MODELS = (bool, int, float, complex, type(None), type, FunctionType, BuiltinFunctionType, ModuleType)
_NOTHING = object()
COMPILED_SUFFIXES = (".so", ".dylib", ".tar", ".tflite", ".xml", ".mnn", ".ncnn.param", ".ort")
"""What models are called that are compiled, or converted for a runtime."""
_SUFFIXES = (".onnx", *COMPILED_SUFFIXES)
# How many networks of the zoo a hint lists.
_LISTED = 8


class Resolver:
    """Finds what a word means.

    Parameters
    ----------
    namespace : Mapping[str, Any]
        Variables that a word may name; empty in a shell.

    Attributes
    ----------
    notes : list[str]
        What was ambiguous and how it was read, to be shown with the result.
    """

    def __init__(self, namespace: Mapping[str, Any] | None = None) -> None:
        self.namespace = namespace or {}
        self._in_shell = namespace is None
        self.notes: list[str] = []

    def find(self, text: str, *, variables: bool = True) -> tuple[str | None, Any]:
        """Find the model that a name or path means.

        Parameters
        ----------
        text : str
            ``"resnet50"``, ``"a.onnx"``, ``"net"``, ``"slim.model"``.
        variables : bool
            Whether it may name a variable; a quoted text does not.

        Returns
        -------
        tuple[str or None, object]
            The variable's name, None for anything else, and what ``Model.of`` takes.

        Raises
        ------
        ModelError
            Where it means nothing.
        """
        if not text:
            raise ArgumentError("a model's name is empty")
        found = self._variable(text) if variables else _NOTHING
        is_network = text in zoo_names()
        if found is _NOTHING:
            # A folder goes on as well: what takes models says best what is wrong with it.
            if is_network or _exists(text):
                self._refuse_result(text)
                return None, text
            raise ModelError(f"there is no {self._asked(text)} {text!r}", hint=self._suggest(text))
        is_file = _exists(text) and not Path(text).expanduser().is_dir()
        if not (is_file or is_network):
            return text, found
        other = f"the file {text!r}" if is_file else f"the zoo's {text!r}"
        if isinstance(found, _NEVER_MODELS):
            self.notes.append(f"the variable {text!r} is no model, so {other} was taken")
            return None, text
        self.notes.append(f"{text!r} is a variable of this notebook and was taken; {other} was not")
        return text, found

    def value(self, text: str) -> Any:
        """Find what a word means where data is asked for: a whole number, a variable, else the text (a file)."""
        if re.fullmatch(r"[+-]?\d+", text):
            return int(text)
        found = self._variable(text)
        if found is _NOTHING:
            return str(Path(text).expanduser()) if text.startswith("~") else text
        if _exists(text):
            self.notes.append(f"{text!r} is a variable of this notebook; the file of that name was not read")
        return found

    def known(self, *, compiled: bool = False) -> Iterator[str]:
        """Give the names a model argument may take here, for completion and for suggestions.

        Parameters
        ----------
        compiled : bool
            Whether those of compiled models are among them.
        """
        for name, value in self.namespace.items():
            if not name.startswith("_") and (is_model_like(value) and (compiled or not is_compiled_like(value))):
                yield name
        yield from zoo_names()
        suffixes = _SUFFIXES if compiled else (".onnx",)
        yield from sorted(str(path) for path in Path().glob("*") if path.name.endswith(suffixes))

    def _variable(self, text: str) -> Any:
        if not _NAME.fullmatch(text):
            return _NOTHING
        first, *rest = text.split(".")
        if first not in self.namespace:
            return _NOTHING
        found = self.namespace[first]
        for name in rest:
            try:
                found = getattr(found, name)
            except AttributeError:
                return _NOTHING
        return found

    def _asked(self, text: str) -> str:
        kinds = ["file"] if "/" in text or "\\" in text or text.endswith(_SUFFIXES) else ["file", "network of the zoo"]
        if self.namespace and _NAME.fullmatch(text):
            kinds.insert(0, "variable")
        return " or ".join([", ".join(kinds[:-1]), kinds[-1]] if len(kinds) > 1 else kinds)

    def _refuse_result(self, text: str) -> None:
        """Tell a saved result from a model: both are files that this package writes."""
        if not text.endswith(".json") or not is_saved_result(Path(text).expanduser()):
            return
        how = f"deploy-magics show {text}" if self._in_shell else f"deploy_magics.load_result({text!r})"
        raise ModelError(f"{text!r} is a saved result and no model", hint=f"{how} shows it")

    def _suggest(self, text: str) -> str:
        spaced = _with_spaces(text)
        if spaced is not None:
            return f'did you mean "{spaced}"? put it in quotes'
        folder = Path(text).expanduser().parent
        nearby = (
            [str(p) for p in folder.glob("*") if p.name.endswith(_SUFFIXES)] if "/" in text and folder.is_dir() else []
        )
        near = did_you_mean(text, [*self.known(compiled=True), *nearby])
        if near is not None:
            return near
        if "/" in text or text.endswith(_SUFFIXES):
            return "check the path"
        first, others = ", ".join(zoo_names()[:_LISTED]), len(zoo_names()) - _LISTED
        return f"the zoo has {first} and {others} more, which Tab completes"


def zoo_names() -> list[str]:
    """List the networks of the zoo."""
    from deploy_magics import zoo

    return zoo.names()


def split_label(text: str) -> tuple[str | None, str]:
    """Part the label from a model argument.

    Raises
    ------
    ArgumentError
        Where one of the two is empty.

    Examples
    --------
    >>> split_label("before=a.onnx")
    ('before', 'a.onnx')
    >>> split_label("runs/lr=1/net.onnx")
    (None, 'runs/lr=1/net.onnx')
    """
    label, sign, rest = text.partition("=")
    if not sign or "/" in label or "\\" in label or _exists(text):
        return None, text
    if not label.strip() or not rest:
        raise ArgumentError(f"{text!r} is no model", hint="label one as name=model")
    return label.strip(), rest


def entries(value: Any, *, label: str | None = None, name: str | None = None) -> list[Any]:
    """Give what ``Model.of`` takes for each model that a value holds.

    Parameters
    ----------
    value : object
        A model, a list or tuple of models, or a dict of them by label.
    label : str, optional
        Label that was asked for.
    name : str, optional
        Name of the variable it came from: the label of a single model where none was asked for, since ``slim`` says
        more than the model's own name.

    Raises
    ------
    ArgumentError
        Where several models would share a label.
    """
    if isinstance(value, dict):
        found = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list) or (isinstance(value, tuple) and not is_pair(value)):
        found = list(value)
    else:
        found = [value]
        label = label or (None if is_labelled(value) else name)
    if label is None:
        return found
    if len(found) != 1:
        raise ArgumentError(f"{len(found)} models cannot share the label {label!r}")
    only = found[0]
    return [(label, only[1] if is_labelled(only) else only)]


def is_labelled(value: Any) -> bool:
    """Tell whether a value is a pair of label and model."""
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str) and not is_model_like(value[0])


def is_pair(value: tuple[Any, ...]) -> bool:
    """Tell whether a tuple is one model (labelled, or a module with its example input) rather than several."""
    return is_labelled(value) or (len(value) == 2 and not is_model_like(value[1]))


def is_model_like(value: Any) -> bool:
    """Tell whether a value looks like a model, without importing what would make it one.

    Examples
    --------
    >>> is_model_like("net.onnx"), is_model_like("net"), is_model_like(3)
    (True, False, False)
    """
    if isinstance(value, str):
        return value.endswith(_SUFFIXES) or value in zoo_names()
    if isinstance(value, Path):
        return value.name.endswith(_SUFFIXES) or value.exists()
    if isinstance(value, _NEVER_MODELS):
        return False
    if isinstance(value, tuple | list | dict):
        items = list(value.values()) if isinstance(value, dict) else list(value)
        return bool(items) and len(items) < 100 and any(is_model_like(item) for item in items)
    kinds = {(kind.__module__.split(".")[0], kind.__name__) for kind in type(value).__mro__}
    if kinds & {("onnx", "ModelProto"), ("torch", "Module"), ("deploy_magics", "Model")}:
        return True
    return ("deploy_magics", "Result") in kinds and (_has(value, "model") or _has(value, "artefact"))


def is_compiled_like(value: Any) -> bool:
    """Tell whether a value that looks like a model is a compiled one.

    Examples
    --------
    >>> is_compiled_like("net.so"), is_compiled_like("net.onnx")
    (True, False)
    """
    if isinstance(value, str | Path):
        return str(value).endswith(COMPILED_SUFFIXES)
    return _has(value, "artefact")


def _has(value: Any, name: str) -> bool:
    """Tell whether a result has an attribute; one that says in an error why it has none now still has it."""
    return hasattr(type(value), name) or hasattr(value, name)


def is_saved_result(path: Path) -> bool:
    """Tell whether a file begins as a saved result does, without reading the rest."""
    try:
        with path.open("rb") as file:
            return file.read(10) == b'{"format":'
    except OSError:
        return False


def _with_spaces(text: str) -> str | None:
    """Find a file whose name, with spaces and not in quotes, would have been read as several words, this being one."""
    try:
        paths = sorted(Path(text).expanduser().parent.glob("*.onnx"))
    except (OSError, ValueError, RuntimeError):
        return None
    name = Path(text).name
    found = [path for path in paths if " " in path.name and name in path.name.split(" ")]
    # The first word carries the folder, a later one does not.
    return str(found[0]) if found else None


def _exists(text: str) -> bool:
    try:
        return Path(text).expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        # Too long, a null character, or a home folder nobody has: no file.
        return False
