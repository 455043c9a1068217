"""Which plan publishes a month: by what is staged and what the warehouse has."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from psycopg import Connection

from sparkify import etl
from sparkify.publish import plans
from sparkify.publish.plans import Attach, Insert, Publication, Split, choose
from sparkify.publish.staged import MonthSummary
from tests.support.data import NOVEMBER, play, write
from tests.support.warehouse import check_books, one

DAY = 86_400_000


def november(day: int, hour: int = 0) -> datetime:
    return datetime(2018, 11, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("earliest", "latest", "covered_until", "plan"),
    [
        (november(1), november(30), None, Attach),
        (november(3), november(30), november(3), Attach),
        (november(2, 23), november(30), november(3), Split),
        (november(1), november(3), november(3), Split),
        (november(1), november(2, 23), november(3), Insert),
        (november(30), november(30, 23), datetime(2018, 12, 1, tzinfo=UTC), Insert),
    ],
)
def test_the_plan_follows_from_the_days(
    earliest: datetime, latest: datetime, covered_until: datetime | None, plan: type[Publication]
) -> None:
    summary = MonthSummary(9, earliest, latest, None, is_matched=True, covered_until=covered_until)
    assert choose(summary) is plan


def test_each_plan_is_carried_out(
    db: Connection[None], dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried_out: list[str] = []
    carry_out = Publication.carry_out

    def noted(plan: Publication) -> None:
        carried_out.append(type(plan).__name__)
        carry_out(plan)

    monkeypatch.setattr(Publication, "carry_out", noted)
    monkeypatch.setattr(plans, "MANY_PLAYS", 2)
    write(tmp_path, "log_data/a.json", play(), play(NOVEMBER + DAY))
    etl.run(tmp_path, dsn=dsn)
    write(tmp_path, "log_data/b.json", play(NOVEMBER + 1))
    etl.run(tmp_path, dsn=dsn)
    write(tmp_path, "log_data/c.json", play(NOVEMBER + 2), play(NOVEMBER + 2 * DAY))
    etl.run(tmp_path, dsn=dsn)
    write(tmp_path, "log_data/d.json", play(NOVEMBER + 5 * DAY))
    etl.run(tmp_path, dsn=dsn)
    assert carried_out == ["Attach", "Insert", "Split", "Attach"]
    assert one(db, "SELECT count(*) FROM songplays") == 6
    assert one(db, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'songplays'::regclass") == 3
    check_books(db)
