"""``sparkify etl`` and ``sparkify create-tables``."""

import argparse
import sys
from typing import Any

from sparkify.commands import output
from sparkify.commands.arguments import (
    DONE,
    HELD,
    Options,
    add_command,
    positive,
    print_json,
    with_dsn,
    with_json,
)


def add(commands: Any) -> None:
    """Declare them."""
    etl = add_command(commands, "etl", _etl, "load song and log files into the star schema")
    etl.epilog = (
        "Files that end in .json, .jsonl or .ndjson are read, also packed (.gz, .zst, .bz2, .xz). Others are counted on"
        " stderr. A folder in which nothing can be read ends the run with exit code 2."
    )
    etl.add_argument(
        "data",
        nargs="?",
        metavar="DATA",
        help="the folder of song_data/ and log_data/, or a URL like s3://bucket/prefix (default: data)",
    )
    etl.add_argument("--song-data", metavar="DIR", help="the folder or URL of song files, wherever it is")
    etl.add_argument("--log-data", metavar="DIR", help="the folder or URL of log files, wherever it is")
    etl.add_argument(
        "--engine",
        choices=["local", "spark"],
        default="local",
        help="who runs the batches: this machine, or an Apache Spark cluster (default: local)",
    )
    etl.add_argument(
        "--master", metavar="URL", help="the Spark cluster, like spark://HOST:7077, yarn, local[2]"
    )
    etl.add_argument(
        "--conf",
        type=_setting,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting for Spark; may be repeated",
    )
    etl.add_argument(
        "--workers",
        type=positive,
        metavar="N",
        help="batches at a time (default: one a processor; with Spark: one a core of the cluster)",
    )
    etl.add_argument("--max-rejects", metavar="N|P%", help="publish nothing when more lines are rejected")
    etl.add_argument("--dry-run", action="store_true", help="only say how many files are new")
    with_dsn(etl)
    with_json(etl)

    create = add_command(
        commands, "create-tables", _create_tables, "create the database and its tables, where missing"
    )
    create.add_argument("--drop", action="store_true", help="drop them first, with all that was loaded")
    with_dsn(create)


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key.startswith("spark.") or not equals:
        raise argparse.ArgumentTypeError(f"{key!r} is not a setting like spark.executor.memory=4g")
    return key, value


def _etl(options: Options) -> int:
    from sparkify import etl  # noqa: PLC0415
    from sparkify.commands import terminal  # noqa: PLC0415

    with terminal.progress() as progress:
        options.asked.kept = progress.kept
        report = etl.run(
            options.data,
            song_data=options.song_data,
            log_data=options.log_data,
            dsn=options.dsn,
            engine=options.engine,
            master=options.master,
            conf=dict(options.conf),
            workers=options.workers,
            max_rejects=options.max_rejects,
            dry_run=options.dry_run,
            progress=progress,
        )
    done = {
        "held": "The run is held: nothing was published.",
        "dry run": "Nothing was loaded.",
        "done": "The load is done.",
    }
    with output.after(done[report.status]):
        if options.json:
            print_json(report.as_dict())
        else:
            terminal.print_report(report)
    terminal.print_advice(report)
    return HELD if report.status == "held" else DONE


def _create_tables(options: Options) -> int:
    from sparkify.create_tables import create_tables  # noqa: PLC0415

    create_tables(options.dsn, drop=options.drop)
    print("The warehouse is there, empty." if options.drop else "The warehouse is there.", file=sys.stderr)
    return DONE
