"""Wait between attempts when a server or a store is away: PostgreSQL and object storage alike."""

import logging
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
"""Seconds. Each pause is about twice the last, and random, so that workers do not all return at once."""

QUIET: Final = 10.0
"""Seconds in which an error of a server or store is reported only once, even if several workers meet it."""

_log: Final = logging.getLogger("sparkify")
_said: Final[dict[str, float]] = {}
_given_up: Final[ContextVar[threading.Event | None]] = ContextVar("given_up", default=None)


def pauses() -> Iterator[float]:
    """The seconds to wait after each failed attempt."""
    pause = FIRST_PAUSE
    while True:
        yield pause * random.uniform(0.5, 1.5)  # noqa: S311
        pause = min(2 * pause, LONGEST_PAUSE)


@contextmanager
def until(given_up: threading.Event) -> Iterator[None]:
    """In this block, and thread, `wait` ends when another thread gives the work up."""
    token = _given_up.set(given_up)
    try:
        yield
    finally:
        _given_up.reset(token)


def wait(seconds: float) -> bool:
    """Wait; returns whether the work is still wanted."""
    given_up = _given_up.get()
    if given_up is None:
        time.sleep(seconds)
        return True
    return not given_up.wait(seconds)


def say(who: str, what: str, seconds: float) -> None:
    """Warn that `what` failed, a sentence without its full stop, and is tried again for up to `seconds`.

    It is said once in a while for each server or store, `who`.
    """
    if time.monotonic() - _said.get(who, -QUIET) >= QUIET:
        _said[who] = time.monotonic()
        _log.warning("sparkify: %s. Trying again, for up to %.0f seconds.", what, seconds)
