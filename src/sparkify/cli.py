"""The command line: parse, call the library, print.

Data goes to stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 stopped before
publishing because of more rejects than allowed.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Never

from sparkify import __version__
from sparkify.errors import SparkifyError, UsageError

DONE: Final = 0
FAILED: Final = 1
WRONG_USAGE: Final = 2
HELD: Final = 3
INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    try:
        options = _parser().parse_args(arguments)
        code: int = options.command(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has what it wanted (`sparkify top songs | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return _fail(
            "Interrupted. What was staged is kept; run the same command again to go on.", INTERRUPTED
        )
    except UsageError as error:
        return _fail(str(error), WRONG_USAGE)
    except SparkifyError as error:
        return _fail(str(error), FAILED)
    return code


def _fail(message: str, code: int) -> int:
    from sparkify.terminal import printable  # noqa: PLC0415

    print(f"sparkify: {printable(message)}", file=sys.stderr)
    return code


# --- commands -----------------------------------------------------------------------------------------------------


def _etl(options: argparse.Namespace) -> int:
    from sparkify import etl, terminal  # noqa: PLC0415

    with terminal.progress() as progress:
        report = etl.run(
            options.data,
            song_data=options.song_data,
            log_data=options.log_data,
            dsn=options.dsn,
            workers=options.workers,
            max_rejects=options.max_rejects,
            dry_run=options.dry_run,
            progress=progress,
        )
    if options.json:
        _print_json(report.as_dict())
    else:
        terminal.print_report(report)
    terminal.print_advice(report)
    return HELD if report.status == "held" else DONE


def _create_tables(options: argparse.Namespace) -> int:
    from sparkify.create_tables import create_tables  # noqa: PLC0415

    create_tables(options.dsn, drop=options.drop)
    print("The warehouse is there, empty." if options.drop else "The warehouse is there.", file=sys.stderr)
    return DONE


def _status(options: argparse.Namespace) -> int:
    from sparkify import answers, terminal  # noqa: PLC0415

    state = answers.status(dsn=options.dsn)
    if options.json:
        _print_json(state)
    else:
        terminal.print_status(state)
    return DONE


def _top(options: argparse.Namespace) -> int:
    from sparkify import answers, terminal  # noqa: PLC0415

    rows = answers.top(
        options.what, dsn=options.dsn, since=options.since, until=options.until, level=options.level,
        limit=options.limit,
    )  # fmt: skip
    if options.json:
        _print_json(rows)
    else:
        terminal.print_table(rows, hide=("song_id", "artist_id"))
    return DONE


def _rejects_list(options: argparse.Namespace) -> int:
    return _rejects(options, evidence=False)


def _rejects_show(options: argparse.Namespace) -> int:
    return _rejects(options, evidence=True)


def _rejects(options: argparse.Namespace, *, evidence: bool) -> int:
    from sparkify import answers, terminal  # noqa: PLC0415

    rows = answers.rejects(
        dsn=options.dsn, evidence=evidence, path=options.file, reason=options.reason, limit=options.limit
    )
    if options.json:
        _print_json(rows)
    elif not rows:
        print("No rejected lines.", file=sys.stderr)
    elif evidence:
        terminal.print_evidence(rows)
    else:
        terminal.print_table(rows)
    return DONE


def _simulate(options: argparse.Namespace) -> int:
    from sparkify import simulate  # noqa: PLC0415

    return simulate.run(options)


def _db(options: argparse.Namespace) -> int:
    from sparkify.server import Server  # noqa: PLC0415

    server = Server()
    if options.action == "stop":
        server.stop()
        print("The server is down.", file=sys.stderr)
        return DONE
    if options.action == "status":
        status = server.status()
        print(f"{'running' if status.running else 'not running'}, home {status.home}, log {status.log}")
        return DONE if status.running else FAILED
    server.start()
    if options.action == "url":
        print(server.url())
    elif options.action == "psql":
        os.execv(server.psql_path, ["psql", server.url(), *options.arguments])  # noqa: S606
    else:
        print(f"The server is running. Connect with: psql '{server.url()}'", file=sys.stderr)
    return DONE


def _print_json(document: Any) -> None:
    def plain(value: Any) -> Any:
        if isinstance(value, datetime | date):
            return value.isoformat()
        if isinstance(value, bytes):
            return value.decode("utf-8", "backslashreplace")
        return int(value)

    print(json.dumps(document, default=plain, indent=2))


# --- arguments ----------------------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments."""

    def error(self, message: str) -> Never:
        raise UsageError(f"{message}; see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="sparkify", description="A song-play warehouse on PostgreSQL: what are our users listening to?"
    )
    parser.add_argument("--version", action="version", version=f"sparkify {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    etl = _command(commands, "etl", _etl, "load song and log files into the star schema")
    etl.add_argument(
        "data", nargs="?", metavar="DATA", help="the folder of song_data/ and log_data/ (default: data)"
    )
    etl.add_argument("--song-data", metavar="DIR", help="the folder of song files, wherever it is")
    etl.add_argument("--log-data", metavar="DIR", help="the folder of log files, wherever it is")
    etl.add_argument(
        "--engine", choices=["local"], default="local", help="who runs the batches (default: local)"
    )
    etl.add_argument(
        "--workers", type=_positive, metavar="N", help="batches at a time (default: one a processor)"
    )
    etl.add_argument("--max-rejects", metavar="N|P%", help="publish nothing when more lines are rejected")
    etl.add_argument("--dry-run", action="store_true", help="only say which files are new")
    _with_dsn(etl)
    _with_json(etl)

    create = _command(
        commands, "create-tables", _create_tables, "create the database and its tables, where missing"
    )
    create.add_argument("--drop", action="store_true", help="drop them first, with all that was loaded")
    _with_dsn(create)

    status = _command(commands, "status", _status, "say what the warehouse holds")
    _with_dsn(status)
    _with_json(status)

    rejects = commands.add_parser("rejects", help="show the lines that were set aside, and why")
    actions = rejects.add_subparsers(required=True, metavar="ACTION")
    for name, command, text in (
        ("list", _rejects_list, "count them by file and reason"),
        ("show", _rejects_show, "show them with their text"),
    ):
        action = _command(actions, name, command, text)
        action.add_argument("--file", metavar="PATH", help="only of this file; the end of its path will do")
        action.add_argument("--reason", help="only with this reason")
        action.add_argument(
            "--limit", type=_positive, default=20, metavar="N", help="rows to show (default: 20)"
        )
        _with_dsn(action)
        _with_json(action)

    top = _command(commands, "top", _top, "what are users listening to?")
    top.add_argument("what", choices=["songs", "artists"])
    top.add_argument("--since", type=_day, metavar="YYYY-MM-DD", help="the first day, UTC")
    top.add_argument("--until", type=_day_after, metavar="YYYY-MM-DD", help="the last day, UTC")
    top.add_argument("--level", choices=["free", "paid"], help="only plays on this plan")
    top.add_argument("--limit", type=_positive, default=10, metavar="N", help="rows to show (default: 10)")
    _with_dsn(top)
    _with_json(top)

    from sparkify.simulate import add_arguments  # noqa: PLC0415  its own options, kept with it

    add_arguments(_command(commands, "simulate", _simulate, "make up a Sparkify: song and log files"))

    db = commands.add_parser("db", help="the embedded PostgreSQL")
    actions = db.add_subparsers(required=True, metavar="ACTION", dest="action")
    for name, text in (
        ("start", "start it"),
        ("stop", "stop it"),
        ("status", "say whether it runs"),
        ("url", "print a URL to connect with"),
        ("psql", "open psql"),
    ):
        action = _command(actions, name, _db, text)
        if name == "psql":
            action.add_argument("arguments", nargs="*", help="given to psql; options after --")
    return parser


def _command(commands: Any, name: str, command: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text.capitalize() + "."
    )
    parser.set_defaults(command=command)
    return parser


def _with_dsn(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dsn",
        help="PostgreSQL to use [SPARKIFY_DSN] (default: the PG* variables, else the embedded server)",
    )


def _with_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day like 2018-11-30") from None


def _day_after(text: str) -> datetime:
    try:
        return _day(text) + timedelta(days=1)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
