"""The command line: parse the arguments, run one command, report errors.

Data goes to stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 held because of
more rejects than allowed, 130 interrupted (Ctrl-C), 143 terminated (SIGTERM).
"""

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Final

from sparkify import __version__
from sparkify.commands import interrupt, streams
from sparkify.commands.arguments import DONE, FAILED, WRONG_USAGE, Parser
from sparkify.commands.output import printable
from sparkify.errors import OutputFailed, ServerError, SparkifyError, UsageError, lacks_memory

_ENVIRONMENT: Final = (
    "Environment: SPARKIFY_DSN is the PostgreSQL to use; SPARKIFY_HOME the folder of the embedded server;"
    " SPARKIFY_TZ the time zone of days and hours, except for `activity`; SPARKIFY_PASSWORD the password of a"
    " login that `db roles` creates. NO_COLOR turns colours off."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Without `arguments`, this is the whole program."""
    with streams.safe(), interrupt.heeded(to_the_end=arguments is None) as asked:
        try:
            if arguments is None:
                import logging  # noqa: PLC0415  slow to import

                # psycopg warns of a rollback that fails after an error. We report the error.
                logging.getLogger("psycopg").setLevel(logging.ERROR)
            code = _run(arguments, asked)
            asked.done_with = code
        except BaseException:
            # After an interruption, any error counts as it: libraries turn KeyboardInterrupt into their own.
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
            return DONE  # the reader has read enough (`sparkify top songs | head`)
        return _fail(str(error), FAILED)
    except Exception as error:
        if asked.code is not None or (said := _explained(error, asked)) is None:
            raise
        # A ServerError ends with lines of the log.
        code = WRONG_USAGE if isinstance(error, UsageError) else FAILED
        return _fail(said, code, lines=isinstance(error, ServerError))
    return code


def _explained(error: Exception, asked: interrupt.Interruption) -> str | None:
    """What to say about an error; None if it should never happen."""
    if isinstance(error, SparkifyError):
        return str(error)
    if isinstance(error, ImportError) and error.name == "sparkify.core._core":
        return "The compiled core is missing or out of date. Run `make etl` or `pip install .`"
    if isinstance(error, ImportError) and "requested psycopg" in str(error):
        return f"{error}. Unset PSYCOPG_IMPL, which asks for it."
    if lacks_memory(error):
        kept = f" {asked.kept()} Fewer --workers take less." if asked.kept() else ""
        return f"There is not enough memory, or too few processes are allowed.{kept}"
    return None


def _command(arguments: Sequence[str] | None, asked: interrupt.Interruption) -> int:
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as shown:  # --help or --version
        return int(shown.code or DONE)
    options.asked = asked
    code: int = options.command(options)
    return code


def _fail(message: str, code: int, *, lines: bool = False) -> int:
    print(f"sparkify: {printable(message, lines=lines)}", file=sys.stderr)
    return code


def _parser() -> Parser:
    parser = Parser(
        prog="sparkify",
        description="A song-play warehouse on PostgreSQL: what are our users listening to?",
        epilog=_ENVIRONMENT,
    )
    parser.add_argument(
        "--version", action="version", version=f"sparkify {__version__}", help="print the version"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    for command in _commands():
        command.add(commands)
    return parser


def _commands() -> tuple[ModuleType, ...]:
    """The commands in the order of the help.

    To import them takes most of the start. It happens here, where signals are already heeded.
    """
    from sparkify.commands import (  # noqa: PLC0415
        activity,
        check,
        create_tables,
        dashboard,
        db,
        etl,
        forget,
        hours,
        listener,
        rejects,
        report,
        runs,
        simulate,
        status,
        top,
    )

    return (
        etl, create_tables, status, top, listener, hours, report, activity, dashboard,
        rejects, runs, forget, check, simulate, db,
    )  # fmt: skip
