"""``sparkify forget``: remove people from the warehouse."""

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sparkify.commands.arguments import DONE, Options, add_command, add_dsn, add_json, user_id
from sparkify.commands.output import counted, note, print_result, print_sentence

if TYPE_CHECKING:
    from sparkify.operations.forget import Erasure

_COUNTED: Final = (
    "songplays", "users", "time", "heard_songs", "page_views", "staged_plays", "staged_page_views", "rejects",
    "texts_withheld",
)  # fmt: skip


def add(commands: Any) -> None:
    """Declare the command."""
    forget = add_command(
        commands, "forget", _forget, "remove people from the warehouse and keep them out of later loads"
    )
    forget.add_argument("user_ids", nargs="+", type=user_id, metavar="USER_ID", help="user ids of the people")
    forget.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    add_dsn(forget)
    add_json(forget)


def _forget(options: Options) -> int:
    from sparkify.operations.forget import forget

    erasure = forget(options.user_ids, dsn=options.dsn, dry_run=options.dry_run)
    done = "Nothing was changed." if erasure.dry_run else "They are forgotten."
    who = f"user {options.user_ids[0]}" if erasure.people == 1 else f"these {erasure.people:,} people"
    print_result(erasure, partial(_print_erasure, who), as_json=options.json, done=done)
    if tables := erasure.unvacuumed:
        note(
            f"{counted(len(tables), 'table')} could not be vacuumed: in use, or the command was cut short."
            " The deleted rows still take space there, and PostgreSQL's statistics may still show these"
            f" people. Run later: {'; '.join(f'VACUUM (ANALYZE) {table}' for table in tables)}"
        )
    return DONE


def _print_erasure(who: str, erasure: "Erasure") -> None:
    """Print what was removed of `who`, or would be, and what is left to do."""
    from sparkify.commands.tables import print_table

    removed = {name: getattr(erasure, name) for name in _COUNTED}
    # Torn lines lose their texts whoever is forgotten, so that does not show that the person was here.
    known = any(rows for name, rows in removed.items() if name != "texts_withheld")
    if not known:
        # The id may be mistyped; or somebody is forgotten before their data comes, or a second time.
        then = "They were forgotten before."
        if erasure.dry_run:
            then = "Nothing was changed."
        elif erasure.newly_forgotten:
            then = "Later lines of theirs will be left out."
        print_sentence(f"Nothing of {who} is here. {then}")
    elif erasure.dry_run:
        print_sentence(f"Forgetting {who} would remove this. Nothing was changed.")
    else:
        print_sentence(f"Forgot {who}. This was removed:")
    if any(removed.values()):
        print_table([removed])
    if files := len(erasure.files):
        hold = "holds" if files == 1 else "hold"
        print_sentence(
            f"{counted(files, 'input file')} still {hold} lines of theirs: --json lists the files."
        )
    if known and not erasure.dry_run:
        print_sentence("From now on their lines, in any file, are counted as forgotten and not kept.")
