"""One step, as a magic or a shell command calls it."""

from __future__ import annotations

import inspect
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Annotated, Any

from deploy_magics.binding._complete import values
from deploy_magics.binding._convert import Reader
from deploy_magics.binding._extras import GROUPS, NOTEBOOK, Extra, expanded, place_output, read_extra
from deploy_magics.binding._options import Option, read_options
from deploy_magics.binding.resolve import Resolver
from deploy_magics.binding.words import Words
from deploy_magics.errors import ArgumentError

if TYPE_CHECKING:
    from cyclopts import App

_METAVARS = {
    "model": "MODEL",
    "functions": "FILE.py",
    "shapes": "NAME=SHAPE",
    "dims": "NAME=SIZE",
    "path": "PATH",
    "value": "VALUE",
}


_CELL_USAGE = """
       %{command} [OPTIONS]
       the rest of the cell is Python, its last expression the model or a list of models"""
_FUNCTIONS_USAGE = """
       %{command}{placed} [OPTIONS]
       the rest of the cell is Python that defines the functions"""
_SILENCE = "A ; at the end of the line shows nothing."
_MODELS = """
A MODEL is a variable, a path (in quotes if it has spaces) or a name of the zoo. It may be labelled:
{command} before=a.onnx after=slim. In a line, $x and {{x}} stand for what they name."""


@dataclass
class Call:
    """A line that was read.

    Attributes
    ----------
    values : dict[str, Any]
        Values by argument name; only those that were given.
    extras : dict[str, Any]
        Values of the extra options that were given.
    """

    values: dict[str, Any] = field(default_factory=dict)
    extras: dict[str, Any] = field(default_factory=dict)


class Binding:
    """Reads words into the arguments of a function, and tells its help.

    Parameters
    ----------
    function : Callable
        A step.
    command : str
        How it is called: ``"%bench"``, ``"deploy-magics bench"``.
    extras : tuple[Extra, ...]
        Options added to its own; one that the function has itself is left to it.
    cell : bool
        Whether it has a cell form to tell of.
    """

    def __init__(
        self, function: Callable[..., Any], command: str, extras: tuple[Extra, ...] = (), *, cell: bool = False
    ) -> None:
        self.function = function
        self.cell = cell
        self.command = command
        self._group = GROUPS.get(extras, "Others")
        own = {option.flag for option in self.options}
        self.extras = tuple(extra.beside(self.output_option) for extra in extras if not own & set(extra.flags))

    @cached_property
    def options(self) -> tuple[Option, ...]:
        """The function's own arguments."""
        return read_options(self.function)

    @property
    def model_option(self) -> Option | None:
        """The argument that takes the models given by place; None where there is none."""
        return next((option for option in self.options if option.kind == "model" and option.positional), None)

    @property
    def functions_option(self) -> Option | None:
        """The argument that takes the functions of a cell's body; None where there is none."""
        return next((option for option in self.options if option.kind == "functions"), None)

    @property
    def output_option(self) -> Option | None:
        """The argument that says where to write, for which -o is short; None where nothing is written."""
        return next((option for option in self.options if option.name == "output" and option.kind == "path"), None)

    def flags(self) -> list[str]:
        """List every option that may be written."""
        own = [option.flag for option in self.options if not option.positional]
        return own + [flag for extra in self.extras for flag in extra.flags]

    def asks_help(self, words: Words) -> bool:
        """Tell whether a line asks for help, whatever else is wrong with it."""
        options = words.texts[: words.texts.index("--")] if "--" in words.texts else words.texts
        return any(text in ("--help", "-h") for text in options)

    def call(self, values: Mapping[str, Any]) -> Any:
        """Call the function with these values, by argument name."""
        signature = inspect.signature(self.function)
        bound = inspect.BoundArguments(
            signature, OrderedDict((name, values[name]) for name in signature.parameters if name in values)
        )
        return self.function(*bound.args, **bound.kwargs)

    def parse(
        self,
        words: Words,
        resolver: Resolver,
        *,
        models: Callable[[], Sequence[Any]] | None = None,
        functions: Callable[[], Mapping[str, Callable[..., Any]]] | None = None,
    ) -> Call:
        """Read a line.

        Parameters
        ----------
        words : Words
            Its words.
        resolver : Resolver
            What model names mean here.
        models : callable, optional
            Gives models from elsewhere (a cell's body), which follow those of the line. Called once the line was read
            without an error.
        functions : callable, optional
            Gives the functions of a cell's body in the same way; the line then names none.

        Raises
        ------
        ArgumentError
            In one line, for anything wrong with an option or value, and where there is no model.
        ModelError
            Where a name means no model.
        """
        from cyclopts import CycloptsError

        app = self.app(Reader(words, resolver), body=functions is not None)
        try:
            _, bound, _ = app.parse_args(
                words.texts, print_error=False, exit_on_error=False, help_on_error=False, verbose=False
            )
        except CycloptsError as error:
            from deploy_magics.binding._errors import translate

            raise translate(error, command=self.command, flags=self.flags(), words=words) from None
        call = Call()
        names = {_private(extra): extra.name for extra in self.extras}
        for name, value in bound.arguments.items():
            if name in names:
                call.extras[names[name]] = value
            else:
                call.values[name] = value
        self._flatten(call)
        place_output(call.values, call.extras, self.output_option)
        takes = self.functions_option
        if takes is not None and functions is None and takes.name not in call.values and takes.required:
            other = f", or %{self.command} and a cell that defines them" if self.cell else ""
            raise ArgumentError(f"{self.command} needs functions", hint=f"give a Python file that defines them{other}")
        self._place_models(call, models() if models else ())
        if takes is not None and functions is not None:
            # Last, since the body may take long and the line is right by now.
            call.values[takes.name] = functions()
        return call

    def help(self, defaults: Mapping[str, Any] | None = None) -> str:
        """Give the help text.

        Parameters
        ----------
        defaults : Mapping[str, Any], optional
            Defaults that were configured, by argument name.
        """
        from deploy_magics.binding._help import examples, render

        takes = self.model_option
        placed = [_placed(option) for option in self.options if option.positional]
        usage = " ".join([self.command, *placed, "[OPTIONS]"])
        if self.cell and self.functions_option is not None:
            models = "".join(f" {_placed(option)}" for option in self.options if option.kind == "model")
            usage += _FUNCTIONS_USAGE.format(command=self.command, placed=models)
        elif self.cell:
            usage += _CELL_USAGE.format(command=self.command)
        notes = ""
        if self.extras and self._group == GROUPS[NOTEBOOK]:
            notes = _SILENCE + (_MODELS.format(command=self.command) if takes else "")
        app = self.app(defaults=defaults)
        shown = examples(self.function.__doc__ or "", None if self.command.startswith("%") else self.command)
        return render(app, usage=usage, examples=shown, notes=notes)

    def _flatten(self, call: Call) -> None:
        """Put the models of each word into one row."""
        for option in self.options:
            if option.kind != "model" or option.name not in call.values:
                continue
            given = call.values[option.name]
            call.values[option.name] = tuple(model for found in given for model in found) if option.variadic else given

    def _place_models(self, call: Call, models: Sequence[Any]) -> None:
        """Add the models of the body, and insist on one."""
        takes = self.model_option
        if takes is None:
            if models:
                raise ArgumentError(f"{self.command} takes no model")
            return
        if takes.variadic:
            call.values[takes.name] = (*call.values.get(takes.name, ()), *models)
        elif models:
            if takes.name in call.values or len(models) > 1:
                raise ArgumentError(f"{self.command} takes one model")
            call.values[takes.name] = models[0]
        if call.values.get(takes.name, ()) == () and takes.required:
            ends = self.cell and self.functions_option is None
            other = f", or %{self.command} and a cell that ends with one" if ends else ""
            raise ArgumentError(f"{self.command} needs a model", hint=f"for example {self.command} resnet50{other}")

    def app(
        self, reader: Reader | None = None, defaults: Mapping[str, Any] | None = None, *, body: bool = False
    ) -> App:
        """Give the function as cyclopts sees it.

        Parameters
        ----------
        reader : Reader, optional
            Reads the words; by default those of a shell.
        defaults : Mapping[str, Any], optional
            Defaults to show in place of the signature's.
        body : bool
            Whether the functions come from a cell's body and so are not in the line.
        """
        from cyclopts import App, Group, Parameter

        reader = reader or Reader(Words(), Resolver())
        kinds = inspect.Parameter
        group = Group(self._group, sort_key=1)
        read = [option for option in self.options if not (body and option.kind == "functions")]
        parameters = [self._parameter(option, reader, defaults or {}) for option in read]
        for extra in self.extras:
            about: dict[str, Any] = {"name": extra.flags, "help": extra.help, "group": group, "negative": ()}
            if extra.metavar:
                about |= {
                    "metavar": extra.metavar,
                    "converter": partial(read_extra, extra, reader.words, self.output_option),
                }
            kind: Any = str if extra.metavar else bool
            annotation = Annotated[kind, Parameter(**about, show_default=False)]
            default = None if extra.metavar else False
            parameters.append(kinds(_private(extra), kinds.KEYWORD_ONLY, default=default, annotation=annotation))

        def target(**_: Any) -> None:
            """Stand in for the step, whose own annotations mean nothing to cyclopts."""

        # NumPy's form names the models "*models", cyclopts looks for "models".
        target.__doc__ = re.sub(r"^(\s*)\*(\w+)( :|$)", r"\1\2\3", self.function.__doc__ or "", flags=re.MULTILINE)
        target.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        app = App(
            name=self.command,
            help_flags=(),
            version_flags=(),
            help_format="plaintext",
            group_arguments=Group("Models" if self.model_option else "Arguments", sort_key=-1),
            group_parameters=Group("Options", sort_key=0),
        )
        app.default(target)
        return app

    def _parameter(self, option: Option, reader: Reader, defaults: Mapping[str, Any]) -> inspect.Parameter:
        from cyclopts import Parameter, Token, convert

        def plain(kind: Any, tokens: Sequence[Token]) -> Any:
            return convert(kind, [token.evolve(value=reader.words.plain(token.value)) for token in tokens])

        def texts(tokens: Sequence[Token]) -> list[str]:
            return [token.value for token in tokens]

        hint: Any = option.hint
        converter: Any = plain
        if option.kind == "model":
            # A variadic argument is converted word by word, so a word that holds several gives a list of lists.
            hint = str
            converter = lambda _, tokens: (  # noqa: E731
                reader.models(tokens[0].value) if option.variadic else _one(option, reader.models(tokens[0].value))
            )
        elif option.kind == "functions":
            hint, converter = str, lambda _, tokens: reader.functions(option, tokens[0].value)
        elif option.kind == "list":
            hint, converter = list[str], lambda _, tokens: reader.items(option, texts(tokens))
        elif option.kind == "shapes":
            hint, converter = list[str], lambda _, tokens: reader.shapes(option, texts(tokens))
        elif option.kind == "dims":
            hint, converter = list[str], lambda _, tokens: reader.dims(option, texts(tokens))
        elif option.kind == "value":
            hint, converter = str, lambda _, tokens: reader.value(tokens[0].value)
        elif option.kind == "path":
            converter = lambda kind, tokens: expanded(plain(kind, tokens))  # noqa: E731
        elif option.kind == "flag":
            converter = None
        about: dict[str, Any] = {
            "converter": converter,
            "show_default": _shown_default(option, defaults),
            "completer": lambda context: values(option, reader.resolver, context.incomplete),
        }
        if option.kind != "flag" or option.default is False:
            about["negative"] = ()
        metavar = _METAVARS.get(option.kind) or (option.name.upper() if option.positional else None)
        metavar = "ITEM,..." if option.kind == "list" else metavar
        if metavar:
            about["metavar"] = metavar
        if option == self.output_option and not any("-o" in extra.flags for extra in self.extras):
            about["name"] = (option.flag, "-o")
        given = option.parameter.replace(annotation=Annotated[hint, Parameter(**about)])
        # What is missing of these is told by parse, in words of its own.
        told = option.kind in ("functions", "model") and option.required and not option.variadic
        return given.replace(default=None) if told else given


def _placed(option: Option) -> str:
    """Say what stands in an option's place."""
    name = _METAVARS.get(option.kind, option.name.upper()) + ("..." if option.variadic else "")
    return name if option.required else f"[{name}]"


def _one(option: Option, models: list[Any]) -> Any:
    if len(models) != 1:
        raise ArgumentError(f"{option.flag} takes one model, not {len(models)}")
    return models[0]


def _private(extra: Extra) -> str:
    """Name an extra's parameter so that no step's own can meet it."""
    return f"extra_{extra.name}"


def _shown_default(option: Option, defaults: Mapping[str, Any]) -> bool | str:
    """Say a default as it would be written."""
    configured = defaults.get(option.name)
    value = option.default if configured is None else configured
    if value is None or isinstance(value, bool) or value is inspect.Parameter.empty or value == ():
        return False
    text = ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
    return text if configured is None else f"{text}, from %config"
