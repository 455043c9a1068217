"""The warehouse examines itself: named checks, each one query that gives what is wrong.

A check is a query of ``check.sql``: its first comment line says what must hold, the second what to do when it does
not, and every row it gives is an offence. To add one, add a query there.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from psycopg import Connection, IsolationLevel
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import dict_row

from sparkify.database.connection import resolve, server_errors
from sparkify.database.queries import queries
from sparkify.database.reading import open_existing
from sparkify.errors import SparkifyError
from sparkify.schema.structure import parameters

EXAMPLES: Final = 5

MOST_ATTEMPTS: Final = 5
"""So often are findings looked at again while a load attaches partitions."""

_HEAD: Final = re.compile(r"-- (?P<holds>.+)\n-- do: (?P<advice>.+)\n")

# Whether a partition came after the snapshot: those that the snapshot has, and those that a query now reads.
_PARTITIONS: Final = """
SELECT (SELECT count(*) FROM pg_inherits
        WHERE inhparent IN (to_regclass('public.songplays'), to_regclass('public.time'),
                            to_regclass('analytics.heard_plays')))
       = (SELECT count(*) FROM unnest(ARRAY['public.songplays', 'public.time', 'analytics.heard_plays']) AS parent,
              pg_partition_tree(to_regclass(parent)) WHERE level = 1)
"""


@dataclass(slots=True)
class Finding:
    """What one check came to: how many rows are wrong, some of them, and the sentences of the check."""

    name: str
    holds: str
    advice: str
    found: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)


def check(dsn: str | None = None) -> list[Finding]:
    """Examine the warehouse, check by check; all is right when every finding has ``found`` 0. Reads only.

    Safe beside a load: what is found is looked at again, on a newer snapshot, before it is reported. Where tables or
    columns are missing, or rows are hidden, there are no other findings: the other checks need them.

    Raises:
        SparkifyError: no warehouse, of another version, one that this role may not read or that is being loaded all the while.
    """
    with server_errors(), open_existing(resolve(dsn), for_questions=False) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        try:
            return _settle(connection)
        except InsufficientPrivilege as error:
            raise SparkifyError(
                f"The role may not read all of the warehouse ({error.diag.message_primary})."
                " Check with the role that loads."
            ) from None


def _settle(connection: Connection[Any]) -> list[Finding]:
    """Examine until what was found is found again."""
    connection.execute("SELECT FROM etl.warehouse")  # without it there is none, and nothing is missing
    first, _ = examine(connection, ["tables_there", "rows_visible"])
    if any(finding.found for finding in first):
        return first
    findings = {finding.name: finding for finding in examine(connection, queries("operations/check"))[0]}
    for _ in range(MOST_ATTEMPTS):
        suspects = [finding.name for finding in findings.values() if finding.found]
        if not suspects:
            break
        again, steady = examine(connection, suspects)
        # What was there both times is no trace of a run that just ended, nor of a month that just came.
        findings |= {finding.name: finding for finding in again if steady or not finding.found}
        if steady:
            break
    else:
        raise SparkifyError(
            "Months came into the warehouse all the while. Check again when no load is running."
        )
    return list(findings.values())


def examine(connection: Connection[Any], names: Iterable[str]) -> tuple[list[Finding], bool]:
    """Run some checks in one transaction; gives also whether no partition came meanwhile.

    Partitions do not follow a transaction's snapshot: a month that is attached later shows its plays, and not their users.
    """
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        # Large joins: what a session has by default makes them write to disk.
        cursor.execute("SET LOCAL work_mem = '64MB'")
        findings = [_run(cursor, name) for name in names]
        row = connection.execute(_PARTITIONS).fetchone()
        return findings, bool(row and row[0])


def _run(cursor: Any, name: str) -> Finding:
    query = queries("operations/check")[name]
    head = _HEAD.match(query)
    assert head is not None, name
    cursor.execute(
        f"WITH offending AS (\n{query}\n) SELECT count(*) OVER () AS found_, * FROM offending LIMIT {EXAMPLES}",  # noqa: S608  text of ours
        parameters(),
    )
    rows = cursor.fetchall()
    finding = Finding(name, head["holds"], head["advice"], rows[0]["found_"] if rows else 0)
    finding.examples = [
        {
            key: value if isinstance(value, int | None) else str(value)
            for key, value in row.items()
            if key != "found_"
        }
        for row in rows
    ]
    return finding
