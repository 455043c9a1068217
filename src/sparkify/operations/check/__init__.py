"""The warehouse examines itself: named checks, each a query that returns what is wrong.

A check is a query in one of the files of `_FILES`, or compares a table of ``publish/rollups`` with its
definition. Its comment says what must hold and, after ``do:``, what to do if it does not; every row that it
returns is an offence. To add a check, add a query.
"""

import re
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, LiteralString

from psycopg import Connection, IsolationLevel, sql
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import dict_row

from sparkify.database.connection import resolve, server_errors
from sparkify.database.planner import planner
from sparkify.database.queries import queries
from sparkify.database.reading import open_existing
from sparkify.database.session import Session
from sparkify.errors import SparkifyError
from sparkify.publish.recount import all_sources
from sparkify.schema import rollups
from sparkify.schema.structure import parameters

EXAMPLES: Final = 5
"""How many offences a finding shows."""

MOST_ATTEMPTS: Final = 5
"""How often `check` examines findings again while a load attaches partitions."""

_FILES: Final = (
    "operations/check/structure",
    "schema/columns",
    "operations/check/books",
    "operations/check/star",
    "operations/check/catalogue",
    "operations/check/users",
    "operations/check/page_views",
    "operations/check/rollups",
    "operations/check/runs",
)
_sql: Final = queries("operations/check/examine")
_HEAD: Final = re.compile(r"(?P<holds>(?:-- (?!do: ).+\n)+)-- do: (?P<advice>.+\n(?:-- .+\n)*)")


@dataclass(slots=True)
class Finding:
    """The result of one check: what must hold, what to do if it does not, and how many rows are wrong, with
    examples."""

    name: str
    holds: str
    advice: str
    found: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)


@cache
def checks() -> dict[str, LiteralString]:
    """All checks by name, in order."""
    return {name: query for path in _FILES for name, query in queries(path).items()} | {
        f"rollup_{table}": _follows(table)
        for table in rollups.NAMES
        if "definition" in rollups.queries_of(table)
    }


def _follows(table: LiteralString) -> LiteralString:
    """The check that a table of ``publish/rollups`` equals what its definition computes from all plays."""
    text = sql.SQL(_sql["follows"]).format(
        name=sql.SQL(table),
        definition=sql.SQL(rollups.queries_of(table)["definition"]).format(**all_sources()),
        shown=sql.SQL(", ").join(map(sql.Identifier, rollups.scalar_columns(table))),
    )
    return text.as_string()


def check(dsn: str | None = None) -> list[Finding]:
    """Run all checks. The warehouse is sound if every finding has ``found`` 0. This only reads.

    It is safe beside a load: a finding is examined again on a newer snapshot before it is reported. If tables
    or columns are missing, columns are not ours, or rows are hidden, no other check runs: they all need them.

    Raises:
        SparkifyError: there is no warehouse, it has another version, this role may not read it, or a load
            kept adding months to it.
    """
    dsn = resolve(dsn)
    with server_errors(), closing(Session(dsn, open_existing(dsn, for_questions=False))) as warehouse:
        try:
            return warehouse.run(_settle)
        except InsufficientPrivilege as error:
            raise SparkifyError(
                f"The role may not read all of the warehouse ({error.diag.message_primary})."
                " Check with the role that loads."
            ) from None


def _settle(connection: Connection[Any]) -> list[Finding]:
    """Examine until two rounds find the same."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    connection.execute("SELECT FROM etl.warehouse")  # an error of this table means that there is no warehouse
    first, _ = examine(connection, ["tables_there", "columns_ours", "rows_visible"])
    if any(finding.found for finding in first):
        return first
    findings = {finding.name: finding for finding in examine(connection, checks())[0]}
    for _ in range(MOST_ATTEMPTS):
        suspects = [finding.name for finding in findings.values() if finding.found]
        if not suspects:
            break
        again, steady = examine(connection, suspects)
        findings |= {finding.name: finding for finding in again}
        if steady:  # what two rounds find does not come from a run that just ended or a month just attached
            break
    else:
        raise SparkifyError(
            "A load kept adding months to the warehouse. Check again when no load is running."
        )
    return list(findings.values())


def examine(connection: Connection[Any], names: Iterable[str]) -> tuple[list[Finding], bool]:
    """Run some checks in one transaction. Also returns whether no partition was attached meanwhile.

    A transaction's snapshot does not freeze the list of partitions: a month attached during it shows its
    plays, but not their users.
    """
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        # The usual few MB would spill these large joins to disk. As in `Activity.update`, the planner expects
        # a few rows from parts of a definition: a loop took minutes for a million plays, not two seconds.
        with planner(connection, work_mem="64MB", enable_nestloop="off"):
            findings = [_run(cursor, name) for name in names]
        row = connection.execute(_sql["same_partitions"], parameters()).fetchone()
        return findings, bool(row and row[0])


def _run(cursor: Any, name: str) -> Finding:
    query = checks()[name]
    head = _HEAD.match(query)
    assert head is not None, name
    text = sql.SQL(_sql["offences"]).format(check=sql.SQL(query), examples=EXAMPLES)
    rows = cursor.execute(text, parameters()).fetchall()
    holds, advice = (
        " ".join(head[part].replace("\n-- ", " ").removeprefix("-- ").split()) for part in ("holds", "advice")
    )
    finding = Finding(name, holds, advice, rows[0]["found_"] if rows else 0)
    finding.examples = [
        {
            key: value if isinstance(value, int | None) else str(value)
            for key, value in row.items()
            if key != "found_"
        }
        for row in rows
    ]
    return finding
