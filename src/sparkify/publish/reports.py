"""Report what became of a run's files and lines, and store the report with the run."""

from collections import Counter
from typing import Any, Final

from psycopg import Connection
from psycopg.types.json import Jsonb

from sparkify.database.queries import queries
from sparkify.extract.advice import faults
from sparkify.report import Books, Report, Tally
from sparkify.stage.runs import refuse_lost

_sql: Final = queries("publish/reports")


def report_of(connection: Connection[Any], run_id: int) -> Report:
    """The report of a run that somebody else has staged, and that is published now; stored with the run."""
    tally = tally_of(connection, run_id)
    report = Report("done", tally.files, tally.files, run_id=run_id, tally=tally)
    complete_report(connection, report)
    return report


def tally_of(connection: Connection[Any], run_id: int) -> Tally:
    """How many files a run has read, and what became of their lines."""
    row = connection.execute(_sql["run_totals"], [run_id]).fetchone()
    assert row is not None
    files, *books = map(int, row)
    return Tally(files=files, books=Books(*books))


def complete_report(connection: Connection[Any], report: Report) -> None:
    """Complete a report with counts from the warehouse, and store it with the run."""
    report.rows = {name: int(count) for name, count in connection.execute(_sql["row_counts"])}
    report.matched = report.rows.pop("matched")
    if report.run_id is not None:
        report.tally.books = tally_of(connection, report.run_id).books
        rejects = connection.execute(_sql["reject_reasons"], [report.run_id])
        report.tally.reasons = Counter(dict(rejects.fetchall()))
        if report.books.rejected:
            report.faults = faults(connection.execute(_sql["faulty_files"], [report.run_id]))
        for (day,) in connection.execute(_sql["day_to_come"]):
            remark = (
                f"The last event is dated {day}, in the future: perhaps a clock was wrong. Questions about"
                " who has gone quiet or left count back from that day."
            )
            if remark not in report.remarks:
                report.remarks.append(remark)
        keep_report(connection, report.run_id, report.as_dict())


def keep_report(connection: Connection[Any], run_id: int, document: dict[str, Any]) -> None:
    """Store the report of a run with the run."""
    refuse_lost(connection.execute(_sql["keep_report"], [Jsonb(document), run_id]), run_id)
