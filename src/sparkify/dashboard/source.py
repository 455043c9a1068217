"""Where the answers come from: questions over a connection that can only read, remembered for a while."""

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
IDLE: Final = "5min"
"""So long a connection waits for the next question."""

FRESH: Final = 15
"""For so many seconds the state of the data is believed; when it has changed, everything is asked again."""

Ask = Callable[..., Future[Any]]
"""Takes a question of `sparkify.analytics` and what it is asked with; its answer comes as soon as it is there."""

_KEPT: Final = 600


def read_only_dsn(dsn: str | None) -> str:
    """The connection string with which nothing can be changed and no question runs for ever.

    It acts as `READER` where that role may read this database and we may become it. A `statement_timeout` or an
    `idle_session_timeout` among the options of `dsn` counts.

    Raises:
        SparkifyError: no server can be reached.
    """
    dsn = resolve(dsn)
    with server_errors(asking=True), connect(dsn, for_questions=True) as connection:
        connection.execute("RESET ROLE")
        grants = queries("schema/grants")
        admitted = connection.execute(grants["are_admitted"]).fetchone()
        may = connection.execute(grants["may_become"], [READER]).fetchone()
    given = str(conninfo_to_dict(dsn).get("options") or "")
    options = f"-c statement_timeout={TIMEOUT} -c idle_session_timeout={IDLE} {given} -c default_transaction_read_only=on"
    if admitted and admitted[0] and may and may[0]:
        options += f" -c role={READER}"
    return make_conninfo(dsn, options=options)


def state(dsn: str | None) -> dict[str, Any]:
    """The state of the data, not older than `FRESH` seconds."""
    found: dict[str, Any] = _state(dsn)
    return found


def ask(version: Any, question: Callable[..., Any], *arguments: Any, dsn: str | None, **more: Any) -> Any:
    """The answer to a question, remembered as long as the data has this `version`."""
    return _answer(f"{question.__module__}.{question.__qualname__}", version, question, arguments, more, dsn)


def ask_now(question: Callable[..., Any], *arguments: Any, dsn: str | None, **more: Any) -> Any:
    """The answer to a question as it is now, not remembered."""
    with borrowed(_read_only_dsn(dsn)) as connection:
        return question(*arguments, **more, dsn=connection)


@contextmanager
def asking(version: Any, dsn: str | None) -> Iterator[Ask]:
    """What asks questions side by side: the first answers are drawn while others are looked for.

    At the end no question is left running, whatever happened; one that has not begun is not asked any more.
    """
    pool = ThreadPoolExecutor(MOST, thread_name_prefix="question")
    try:
        yield lambda question, *arguments, **more: pool.submit(
            ask, version, question, *arguments, dsn=dsn, **more
        )
    finally:
        pool.shutdown(cancel_futures=True)


def forget_answers() -> None:
    """Ask again."""
    st.cache_data.clear()


def explain(error: SparkifyError) -> tuple[str, str]:
    """What went wrong, in a few words, and the message with what to do."""
    cause = error.__cause__
    if isinstance(cause, psycopg.errors.QueryCanceled):
        return (
            "Cut off",
            f"A question took too long ({TIMEOUT} are allowed). Choose fewer days, or try again.",
        )
    if isinstance(error, ConnectionFailed):
        return "No server", f"{error} The private server is started by: sparkify db start"
    if isinstance(error, NoWarehouse):
        return "No warehouse", str(error)
    return "That did not work", str(error)


def _ask_state(dsn: str | None) -> dict[str, Any]:
    found: dict[str, Any] = ask_now(analytics.quality, dsn=dsn)
    return found


def _ask(  # name and version are what an answer is remembered by; with an underscore Streamlit does not look at it
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
