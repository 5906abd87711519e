"""Steps as text calls them: one signature read into options, values, errors and help.

cyclopts does the parsing; it is imported at the first call, since loading the extension must stay light.
"""

from __future__ import annotations

from deploy_magics.binding._binding import Binding, Call
from deploy_magics.binding._complete import candidates
from deploy_magics.binding._extras import HELP, NOTEBOOK, SHELL, Extra
from deploy_magics.binding._functions import defined, functions_of_file, with_named
from deploy_magics.binding._options import Option
from deploy_magics.binding.resolve import Resolver, entries, is_model_like, split_label
from deploy_magics.binding.words import Words, shell_words, split_line

__all__ = [
    "HELP",
    "NOTEBOOK",
    "SHELL",
    "Binding",
    "Call",
    "Extra",
    "Option",
    "Resolver",
    "Words",
    "candidates",
    "defined",
    "entries",
    "functions_of_file",
    "is_model_like",
    "shell_words",
    "split_label",
    "split_line",
    "with_named",
]
