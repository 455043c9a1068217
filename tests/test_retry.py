from typing import Any
from pathlib import Path
from psycopg import Connection
from data import NOVEMBER, play, song, write
from sparkify import etl
from sparkify.load.retry import retry
from sparkify.check import check
DAY = 24 * 3600 * 1000

def test_x(dsn: str, db: Connection[Any], tmp_path: Path) -> None:
    write(tmp_path, "log_data/a.json", play(), play(NOVEMBER + 5*DAY), play(NOVEMBER-5*DAY), play(NOVEMBER+300*DAY), "bad")
    write(tmp_path, "song_data/a.json", song())
    db.execute("UPDATE etl.warehouse SET before='2018-11-03'")
    r=etl.run(tmp_path, dsn=dsn)
    assert r.books.rejected==3
    db.execute("UPDATE etl.warehouse SET before=DEFAULT")
    d=retry(dsn=dsn)
    print(d)
    for row in db.execute("select path, lines, loaded, duplicates, rejected,state from etl.files"): print(row)
    for row in db.execute("select start_time, line from analytics.heard_plays"): print(row)
    for f in check(dsn):
        if f.found: print(f)
    d=retry(dsn=dsn)
    print(d)
    assert 0
