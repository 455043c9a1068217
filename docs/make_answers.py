"""Write docs/answers.md: what each question of `sparkify.analytics` takes, means and answers with.

    python docs/make_answers.py

Like make_dictionary.py, it creates a warehouse for this and drops it afterwards.
"""

# ruff: noqa: INP001  a script, not part of a package

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from psycopg import Connection
from psycopg.conninfo import make_conninfo

from sparkify import analytics, etl
from sparkify.analytics import Selection
from sparkify.simulate import simulate

FILE: Final = Path(__file__).with_name("answers.md")

# An answer has other columns for each of these values of an argument.
VARIANTS: Final[dict[str, tuple[str, tuple[Any, ...]]]] = {
    "rejects": ("evidence", (False, True)),
    "retention": ("period", ("month", "week")),
    "top": ("what", ("songs", "artists", "users", "locations", "devices")),
}

HEAD: Final = """\
# Answers

What each question of `sparkify.analytics` takes, means, and answers with: the names and types of its columns, or of the keys of its
dictionary. The questions also take `dsn`. [Analytics](analytics.md) lists them by topic, says how to ask, and defines the terms.

This page is generated from answers about made-up days: change a question or its docstring, then run `python docs/make_answers.py`. A
text or a number may be None where it is unknown.
"""  # noqa: E501


def answers(connection: Connection[Any]) -> str:
    """The page. It fills the empty warehouse that the connection is to."""
    with TemporaryDirectory() as folder:
        simulate(folder, users=40, songs=100, days=40, dirt=0.02, workers=1)
        etl.run(folder, dsn=make_conninfo(connection.info.dsn, password=connection.info.password))
    lines = [HEAD]
    for name in sorted(analytics.__all__):
        ask = getattr(analytics, name)
        if inspect.isfunction(ask):
            lines += [f"## {name}", "", f"`{name}{_takes(ask)}`", "", _meaning(ask), ""]
            lines += [*_answers(name, ask, connection), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _takes(ask: Callable[..., Any]) -> str:
    """Its arguments but `dsn`, with their default values."""
    given = inspect.signature(ask)
    arguments = [
        argument.replace(annotation=argument.empty)
        for argument in given.parameters.values()
        if argument.name != "dsn"
    ]
    said = str(given.replace(parameters=arguments, return_annotation=given.empty))
    return said.replace(repr(Selection()), "Selection()")


def _meaning(ask: Callable[..., Any]) -> str:
    text = (inspect.getdoc(ask) or "").replace("``", "`")
    return re.sub(r"Raises:\n\s+(\w+): ", r"Raises \1: ", text)


def _answers(name: str, ask: Callable[..., Any], connection: Connection[Any]) -> Iterator[str]:
    examples = _examples(ask, connection)
    if name in VARIANTS:
        argument, values = VARIANTS[name]
        for value in values:
            answer = ask(**examples | {argument: value}, dsn=connection)
            yield f"- with `{argument}={value!r}`, {_shape(answer)}"
        return
    answer = ask(**examples, dsn=connection)
    if isinstance(answer, dict) and any(isinstance(value, dict | list) for value in answer.values()):
        yield "It answers with a dictionary of:\n"
        yield from (f"- {_name(key, value)}" for key, value in answer.items())
    else:
        yield f"It answers with {_shape(answer)}."


def _examples(ask: Callable[..., Any], connection: Connection[Any]) -> dict[str, Any]:
    """Values for the arguments without a default: the most played song, its artist and so on."""
    song, user = (analytics.top(what, dsn=connection, limit=1)[0] for what in ("songs", "users"))
    values = {
        "what": "songs",
        "selection": Selection(analytics.days(dsn=connection).until),
        "track_id": song["track_id"],
        "tracks": song["track_id"],
        "name": song["artist"],
        "text": song["artist"],
        "user_id": user["user_id"],
    }
    arguments = inspect.signature(ask).parameters.values()
    return {
        argument.name: values[argument.name] for argument in arguments if argument.default is argument.empty
    }


def _shape(value: Any) -> str:
    """What a value is, with the names in it: "rows of `day` (date), `plays` (int)"."""
    if isinstance(value, Selection):
        return "a `Selection`"
    if isinstance(value, dict):
        return f"a dictionary of {_names(value)}" if value else "a dictionary"
    if not isinstance(value, list):
        return type(value).__name__
    if value and isinstance(value[0], dict):
        seen = {name: cell for row in reversed(value) for name, cell in row.items() if cell is not None}
        return f"rows of {_names({name: seen.get(name) for name in value[0]})}"
    return f"a list of {type(value[0]).__name__}" if value else "a list"


def _names(values: Mapping[Any, Any]) -> str:
    return ", ".join(_name(name, value) for name, value in values.items())


def _name(name: Any, value: Any) -> str:
    return f"`{name}`" + ("" if value is None else f" ({_shape(value)})")


if __name__ == "__main__":
    from make_dictionary import write_page  # beside this file

    write_page(FILE, answers)
