"""The options that choose quarantine entries, given to each command that wants them.

What belongs here: which options a command has, and their way into `Filters`. What does not: what they mean
(`quarantine_filters`), and what is done with the entries.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import Any

from atlas_pipeline.commands import quarantine_filters as options
from atlas_pipeline.commands.quarantine_filters import Filters

CHOICE: dict[str, Any] = {
    "code": options.Code,
    "column": options.Column,
    "key": options.Key,
    "run": options.Run,
    "since": options.Since,
}
"""Field of `Filters` -> the option that sets it: which rejected rows."""
MARKS: dict[str, Any] = {"discarded": options.Discarded, "everything": options.All}
"""Field of `Filters` -> the option that sets it: whether discarded entries count."""


def filtered(chosen: Mapping[str, Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command options in the place of its keyword argument `filters`, which is made of what they say.

    Args:
        chosen: Field of `Filters` -> the option that sets it. Other fields keep their defaults.
    """
    defaults = inspect.signature(Filters).parameters
    offered = [
        Parameter(name, Parameter.KEYWORD_ONLY, annotation=option, default=defaults[name].default)
        for name, option in chosen.items()
    ]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command, eval_str=True)
        own = list(signature.parameters.values())
        place = list(signature.parameters).index("filters")

        @functools.wraps(command)
        def filtering(**given: Any) -> None:
            filters = Filters(**{name: given.pop(name) for name in chosen})
            command(**given, filters=filters)

        # The command line is made from the signature, so the options stand there and `filters` does not.
        told = signature.replace(parameters=[*own[:place], *offered, *own[place + 1 :]])
        filtering.__signature__ = told  # type: ignore[attr-defined]
        return filtering

    return decorate
