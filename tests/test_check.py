from typing import Any
from pathlib import Path
from psycopg import Connection
from data import NOVEMBER, play, song, write
from sparkify import etl
from sparkify.check import check
from sparkify.simulate import simulate

def test_x(dsn: str, db: Connection[Any], tmp_path: Path) -> None:
    simulate(tmp_path, users=40, songs=300, days=40, seed=3, force=True)
    etl.run(tmp_path, dsn=dsn)
    for f in check(dsn):
        if f.found: print(f)
    assert 0
