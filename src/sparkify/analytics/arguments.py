"""Refuse arguments that a question cannot use, with a message for whoever asks from Python."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from numbers import Integral
from reprlib import repr as short
from typing import Any, Final, ParamSpec, TypeVar

from sparkify.analytics.selection import Selection
from sparkify.errors import UsageError

P = ParamSpec("P")
Answer = TypeVar("Answer")


def checked(ask: Callable[P, Answer]) -> Callable[P, Answer]:
    """Let a function refuse arguments of another type than they must have, by their names.

    Raises:
        UsageError: an argument cannot be used; the message says which.
    """
    bind = signature(ask).bind

    @wraps(ask)
    def ask_if_usable(*args: P.args, **kwargs: P.kwargs) -> Answer:
        try:
            arguments = bind(*args, **kwargs).arguments
        except TypeError:
            return ask(*args, **kwargs)  # Python says what is missing, and of which function
        for name, value in arguments.items():
            is_usable, wanted = _WANTED.get(name, _ANYTHING)
            if not is_usable(value):
                raise UsageError(f"`{name}` must be {wanted}, not {short(value)}.")
        return ask(*args, **kwargs)

    return ask_if_usable


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number, of Python or of a library like NumPy."""
    return isinstance(value, Integral) and not isinstance(value, bool)


_ANYTHING: Final = (lambda _: True, "")

_WANTED: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "selection": (
        lambda value: isinstance(value, Selection),
        "a Selection, like Selection(date(2018, 11, 1), date(2018, 11, 30))",
    ),
    "limit": (lambda value: is_whole(value) and value >= 0, "a whole number of rows, 0 or more"),
    "days": (is_whole, "a whole number of days"),
    "user_id": (is_whole, "a whole number"),
    "track_id": (is_whole, "a whole number"),
    "text": (lambda value: isinstance(value, str), "text"),
    "name": (lambda value: isinstance(value, str), "text"),
    "path": (lambda value: value is None or isinstance(value, str), "text, or None for all"),
    "run": (lambda value: value is None or is_whole(value), "a whole number, or None for all"),
}
"""What arguments of these names must be."""
