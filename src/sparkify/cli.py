"""The command line: parse, run one command, say what went wrong.

Data goes to stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 stopped before
publishing because of more rejects than allowed, 130 interrupted (Ctrl-C), 143 terminated (SIGTERM).
"""

import re
import sys
from collections.abc import Sequence

from sparkify import __version__
from sparkify.commands import (
    checking,
    dashboard,
    database,
    interrupt,
    loading,
    output,
    people,
    questions,
    rejects,
    runs,
    simulation,
)
from sparkify.commands.arguments import DONE, FAILED, WRONG_USAGE, Parser
from sparkify.errors import OutputFailed, ServerError, SparkifyError, UsageError

# What libraries say for want of memory that is no MemoryError of theirs: DuckDB, Arrow, Python's threads, the system.
_LACKS_MEMORY = re.compile(
    "out of memory|cannot allocate|bad_?alloc|can't start new thread|failed to launch worker thread",
    re.IGNORECASE,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    with output.safe(), interrupt.heeded() as asked:
        try:
            code = _run(arguments, asked)
        except BaseException:
            # Whatever it became on its way: DuckDB, for one, makes a RuntimeError of it.
            if asked.code is None:
                raise
            asked.tell()
            return asked.code
        return code if asked.code is None else asked.code


def _run(arguments: Sequence[str] | None, asked: interrupt.Interruption) -> int:
    try:
        code = _command(arguments, asked)
        sys.stdout.flush()
    except OutputFailed as error:
        if isinstance(error.__cause__, BrokenPipeError):
            return DONE  # the reader has what it wanted (`sparkify top songs | head`)
        return _fail(str(error), FAILED)
    except UsageError as error:
        if asked.code is not None:
            raise
        return _fail(str(error), WRONG_USAGE)
    except SparkifyError as error:
        if asked.code is not None:
            raise
        # A ServerError ends with lines of the log.
        return _fail(str(error), FAILED, lines=isinstance(error, ServerError))
    except Exception as error:
        if asked.code is not None or not (isinstance(error, MemoryError) or _LACKS_MEMORY.search(str(error))):
            raise
        return _fail(
            "There is not enough memory. What was staged is kept; run it again with fewer --workers.", FAILED
        )
    return code


def _command(arguments: Sequence[str] | None, asked: interrupt.Interruption) -> int:
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as shown:  # --help or --version
        return int(shown.code or DONE)
    options.asked = asked
    code: int = options.command(options)
    return code


def _fail(message: str, code: int, *, lines: bool = False) -> int:
    print(f"sparkify: {output.printable(message, lines=lines)}", file=sys.stderr)
    return code


def _parser() -> Parser:
    parser = Parser(
        prog="sparkify", description="A song-play warehouse on PostgreSQL: what are our users listening to?"
    )
    parser.add_argument("--version", action="version", version=f"sparkify {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in (loading, questions, dashboard, rejects, runs, people, checking, simulation, database):
        group.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
