"""``sparkify forget``."""

import argparse
import sys
from typing import Any

from sparkify.commands import output
from sparkify.commands.arguments import DONE, Options, add_command, print_json, with_dsn, with_json


def add(commands: Any) -> None:
    """Declare it."""
    forget = add_command(commands, "forget", _forget, "remove people from the warehouse, and keep them out")
    forget.add_argument("user_ids", nargs="+", type=_user_id, metavar="USER_ID")
    forget.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    with_dsn(forget)
    with_json(forget)


def _user_id(text: str) -> int:
    """A user id as the warehouse has it: a whole number within 64 bits."""
    if (
        not text.removeprefix("-").isdecimal()
        or not text.isascii()
        or not -(2**63) <= int(text[:400]) < 2**63
    ):
        raise argparse.ArgumentTypeError(f"{text!r} is not a user id, a whole number")
    return int(text)


def _forget(options: Options) -> int:
    from sparkify.commands import terminal  # noqa: PLC0415
    from sparkify.operations.forget import forget  # noqa: PLC0415

    erasure = forget(options.user_ids, dsn=options.dsn, dry_run=options.dry_run)
    with output.after("Nothing was changed." if erasure.dry_run else "They are forgotten."):
        if options.json:
            print_json(erasure.as_dict())
        else:
            terminal.print_erasure(erasure)
    for table in erasure.unvacuumed:
        print(f"{table} is in use: PostgreSQL frees the deleted rows later by itself.", file=sys.stderr)
    return DONE
