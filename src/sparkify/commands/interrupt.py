"""On Ctrl-C or SIGTERM, say what was kept and end within two seconds, whatever the program is doing.

Usually KeyboardInterrupt is enough: statements are cancelled, transactions rolled back, threads joined. Where
that takes too long (a server that does not answer, a library that ignores signals) the process simply exits.
Nothing depends on an orderly end: PostgreSQL rolls back what a closed connection leaves behind.
"""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

ORDERLY_END_SECONDS: Final = 0.8
"""Seconds that an orderly end may take before the process exits anyway."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether the program was asked to end. `code` is then its exit code: 128 plus the signal's number.

    `kept` returns a sentence about the work that is kept. Once the program is `done_with` an exit code, it
    ends with that; if the process ends, too (`to_the_end`), a signal only makes it end at once.
    """

    def __init__(self, *, to_the_end: bool) -> None:
        self.code: int | None = None
        self.done_with: int | None = None
        self.to_the_end = to_the_end
        self.kept: Callable[[], str] = lambda: ""
        self._told = threading.Lock()
        self._watch = threading.Timer(ORDERLY_END_SECONDS, self._end)
        self._watch.daemon = True

    def tell(self) -> None:
        """Tell the user, once."""
        if self._told.acquire(blocking=False):
            shown = "\x1b[?25h" if sys.stderr.isatty() else ""  # show the cursor, which a progress bar hides
            with suppress(OSError):  # stderr may be closed: Ctrl-C ends every program of a pipe
                os.write(2, f"{shown}sparkify: Interrupted. {self.kept()}".strip().encode() + b"\n")

    def ask(self, number: int, _: FrameType | None) -> None:
        """Ask the program to end: a handler of signals."""
        if self.done_with is not None:
            if self.to_the_end:
                os._exit(self.done_with)
            return
        if self.code is not None:
            self._end()  # asked a second time: end at once
        self.code = 128 + number
        self._watch.start()
        raise KeyboardInterrupt

    def go_on(self) -> None:
        """Let the process go on after the block."""
        self._watch.cancel()

    def _end(self) -> None:
        assert self.code is not None
        try:
            self.tell()
        finally:
            os._exit(self.code)


@contextmanager
def heeded(*, to_the_end: bool = False) -> Iterator[Interruption]:
    """During the block, treat Ctrl-C and SIGTERM as requests to end. Do nothing outside the main thread.

    `to_the_end` means that the process ends with the block. Signals are then heeded until it has: Python
    takes a while to exit, and the usual handlers would replace the exit code.
    """
    asked = Interruption(to_the_end=to_the_end)
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    # Leave signals ignored that were ignored at start, as in the background or under nohup.
    heard = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, asked.ask) for number in heard}
    if to_the_end:
        # As Python exits, it gives signals that have a handler back to the system, which would end the
        # process by the signal. What is registered first is called last.
        atexit.register(_ignore_signals)
    try:
        yield asked
    finally:
        if not to_the_end:
            asked.go_on()
        if not to_the_end or asked.done_with is None:
            for number, handler in before.items():
                signal.signal(number, handler)


def _ignore_signals() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
