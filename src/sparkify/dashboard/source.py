"""Ask `sparkify.analytics` over read-only connections, and cache the answers for a while."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import streamlit as st
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sparkify import analytics
from sparkify.dashboard.connections import MOST, borrowed
from sparkify.database.connection import connect, resolve, server_errors
from sparkify.database.queries import queries
from sparkify.errors import ConnectionFailed, NoWarehouse, SparkifyError
from sparkify.server.names import READER

TIMEOUT: Final = "20s"
"""How long a question may take."""

IDLE: Final = "5min"
"""How long a connection may wait for the next question."""

FRESH: Final = 15
"""Seconds for which the state of the data is cached. Once it has changed, everything is asked again."""

Ask = Callable[..., Future[Any]]
"""Takes a question of `sparkify.analytics` and its arguments, and returns the future answer."""

_KEPT: Final = 600
"""Seconds for which answers are cached."""


def read_only_dsn(dsn: str | None) -> str:
    """A connection string that can change nothing and limits how long a question may run.

    It takes the role `READER` if that role may read this database and we may become it. A `statement_timeout`
    or an `idle_session_timeout` in the options of `dsn` takes precedence.

    Raises:
        SparkifyError: no server can be reached.
    """
    dsn = resolve(dsn)
    with server_errors(asking=True), connect(dsn, for_questions=True) as connection:
        connection.execute("RESET ROLE; SET search_path = ''")  # as in database/session.sql
        grants = queries("schema/grants")
        admitted = connection.execute(grants["are_admitted"]).fetchone()
        may = connection.execute(grants["may_become"], [READER]).fetchone()
    given = str(conninfo_to_dict(dsn).get("options") or "")
    limits = f"-c statement_timeout={TIMEOUT} -c idle_session_timeout={IDLE}"
    options = f"{limits} {given} -c default_transaction_read_only=on"
    if admitted and admitted[0] and may and may[0]:
        options += f" -c role={READER}"
    return make_conninfo(dsn, options=options)


def state(dsn: str | None) -> dict[str, Any]:
    """The state of the data, at most `FRESH` seconds old."""
    found: dict[str, Any] = _state(dsn)
    return found


def ask(version: Any, question: Callable[..., Any], *arguments: Any, dsn: str | None, **more: Any) -> Any:
    """The answer to a question, cached for this `version` of the data."""
    return _answer(f"{question.__module__}.{question.__qualname__}", version, question, arguments, more, dsn)


def ask_now(question: Callable[..., Any], *arguments: Any, dsn: str | None, **more: Any) -> Any:
    """The answer to a question as it is now, uncached."""
    with borrowed(_read_only_dsn(dsn)) as connection:
        return question(*arguments, **more, dsn=connection)


@contextmanager
def asking(version: Any, dsn: str | None) -> Iterator[Ask]:
    """Yield a function that asks questions in parallel: a page draws the first answers while others run.

    At the end, even after an error, it waits for running questions and cancels waiting ones.
    """
    pool = ThreadPoolExecutor(MOST, thread_name_prefix="question")
    try:
        yield lambda question, *arguments, **more: pool.submit(
            ask, version, question, *arguments, dsn=dsn, **more
        )
    finally:
        pool.shutdown(cancel_futures=True)


def forget_answers() -> None:
    """Clear the cache, so that everything is asked again."""
    st.cache_data.clear()


def explain(error: SparkifyError) -> tuple[str, str]:
    """What went wrong, in a few words, and a message that says what to do."""
    cause = error.__cause__
    if isinstance(cause, psycopg.errors.QueryCanceled):
        return (
            "Too slow",
            f"A question took longer than {TIMEOUT} and was cancelled. Choose fewer days, or try again.",
        )
    if isinstance(error, ConnectionFailed):
        return "No server", str(error)
    if isinstance(error, NoWarehouse):
        return "No warehouse", str(error)
    return "That did not work", str(error)


def _ask_state(dsn: str | None) -> dict[str, Any]:
    found: dict[str, Any] = ask_now(analytics.quality, dsn=dsn)
    return found


def _ask(  # the cache key: all but names with an underscore
    name: str,  # noqa: ARG001
    version: Any,  # noqa: ARG001
    _question: Callable[..., Any],
    arguments: Any,
    more: Any,
    dsn: str | None,
) -> Any:
    return ask_now(_question, *arguments, dsn=dsn, **more)


_read_only_dsn = st.cache_data(read_only_dsn, ttl=300, show_spinner=False)
_state = st.cache_data(_ask_state, ttl=FRESH, show_spinner=False)
_answer = st.cache_data(_ask, ttl=_KEPT, max_entries=500, show_spinner=False)
