"""Ctrl-C and SIGTERM: the program says what it kept and ends within two seconds, whatever it is doing.

Mostly the KeyboardInterrupt does it: statements are cancelled, transactions rolled back, threads waited for. Where that
takes long (a server that does not answer, a library that does not listen) the process just ends. Nothing depends on
its goodbye: PostgreSQL rolls back what a closed connection leaves.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

ORDERLY_END_SECONDS: Final = 0.8
"""Seconds for an orderly end."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether somebody asked the program to end: `code` is then its exit code, 128 and the number of the signal.

    `kept` says what there is to be said of the work so far.
    """

    def __init__(self) -> None:
        self.code: int | None = None
        self.kept: Callable[[], str] = lambda: ""
        self._told = threading.Lock()

    def tell(self) -> None:
        """Tell the user, once."""
        if self._told.acquire(blocking=False):
            shown = "\x1b[?25h" if sys.stderr.isatty() else ""  # the cursor, which a progress bar hides
            with suppress(OSError):  # nobody may listen any more: Ctrl-C ends a whole pipe
                os.write(2, f"{shown}sparkify: Interrupted. {self.kept()}".strip().encode() + b"\n")

    def _ask(self, number: int, _: FrameType | None) -> None:
        if self.code is not None:
            os._exit(self.code)  # asked twice: at once
        self.code = 128 + number
        watch = threading.Timer(ORDERLY_END_SECONDS, self._end)
        watch.daemon = True
        watch.start()
        raise KeyboardInterrupt

    def _end(self) -> None:
        assert self.code is not None
        try:
            self.tell()
        finally:
            os._exit(self.code)


@contextmanager
def heeded() -> Iterator[Interruption]:
    """Take Ctrl-C and SIGTERM for requests to end, while the block runs; elsewhere than in the main thread nobody asks."""
    asked = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    # Who is started in the background, or with nohup, is not to hear of them.
    heard = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, asked._ask) for number in heard}  # noqa: SLF001
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
