"""Input in object storage, on a server that speaks S3, loads as the same files on disk do."""

import gzip
import lzma
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from psycopg import Connection

from sparkify import etl, patience
from sparkify.cli import main
from sparkify.database.connection import connect
from sparkify.errors import StorageFailed, UsageError
from sparkify.extract import batches, files, objects, storage, store_errors
from sparkify.extract.files import InputFile
from sparkify.extract.find import find_files
from sparkify.operations.forget import forget
from sparkify.operations.retry import retry
from sparkify.simulate import simulate
from tests.support.data import NOVEMBER, lines, play, song, write
from tests.support.store import BROKEN, Answer, Store, store_before
from tests.support.warehouse import CONTENT, check_books, checksums, one

LAKE = "s3://lake/data"
EVERYTHING = CONTENT | {
    "lines": "SELECT start_time, songplay_id, line, split_part(path, '_data/', 2) FROM analytics.heard_plays"
    " JOIN etl.files USING (file_id)",
    "rejects": "SELECT split_part(path, '_data/', 2), r.line, reason, detail, record"
    " FROM etl.rejected_records r JOIN etl.files USING (file_id)",
    "books": "SELECT kind, split_part(path, '_data/', 2), state, size, digest, lines, blank, page_views,"
    " bare_pages,"
    " loaded, duplicates, rejected"
    " FROM etl.files",
}


def _upload(s3: Any, root: Path) -> None:
    s3.pipe({f"lake/data/{path.relative_to(root)}": path.read_bytes() for path in root.rglob("*.json*")})


def test_from_s3_as_from_files(
    s3: Any, new_dsn: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulate(tmp_path, users=20, songs=20, days=4, seed=3, dirt=0.05)
    *_, packed, large = sorted((tmp_path / "log_data").rglob("*.json"), key=lambda path: path.stat().st_size)
    packed.with_name(packed.name + ".gz").write_bytes(gzip.compress(packed.read_bytes()))
    packed.unlink()
    (tmp_path / "log_data" / "empty.json").touch()
    (tmp_path / "log_data" / ".hidden.json").write_bytes(lines(play()))
    _upload(s3, tmp_path)
    for module, name, value in (
        (files, "READ_BYTES", 3000),
        (objects, "RANGE_BYTES", 3000),
        (storage, "GROUP_FILES", 7),
        (batches, "LEAST_PART_BYTES", 1 << 12),
    ):
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr("sparkify.extract.plan.LEAST_PART_BYTES", 1 << 12)
    monkeypatch.setattr("sparkify.extract.lines.SMALL_BYTES", 4000)
    assert large.stat().st_size > 20_000
    from_files, from_s3 = new_dsn(), new_dsn()
    etl.run(tmp_path, dsn=from_files, workers=2, batch_bytes=20_000)
    report = etl.run(LAKE, dsn=from_s3, workers=2, batch_bytes=20_000)
    with connect(from_files) as one_way, connect(from_s3) as other_way:
        check_books(other_way)
        assert checksums(other_way, EVERYTHING) == checksums(one_way, EVERYTHING)
        assert report.files_loaded == one(
            other_way, "SELECT count(*) FROM etl.files WHERE path LIKE 's3://lake/data/%%'"
        )
    assert etl.run(song_data=f"{LAKE}/song_data", log_data=f"{LAKE}/log_data/", dsn=from_s3).files_new == 0


def test_an_object_that_changes_is_read_again(s3: Any, db: Connection[Any], dsn: str) -> None:
    s3.pipe("lake/data/log_data/a.json", lines(play()))
    s3.pipe("lake/data/log_data/b.json", lines(play(NOVEMBER + 1), "torn{"))
    etl.run(LAKE, dsn=dsn)
    s3.pipe("lake/data/log_data/a.json", lines(play()))  # the same bytes
    s3.pipe("lake/data/log_data/b.json", lines(play(NOVEMBER + 1), "torn}"))  # as many
    report = etl.run(LAKE, dsn=dsn)
    assert (report.files_found, report.files_new, report.books.loaded, report.books.rejected) == (2, 1, 1, 1)
    assert db.execute(
        "SELECT path, line, record FROM etl.rejected_records JOIN etl.files USING (file_id)"
    ).fetchall() == [("s3://lake/data/log_data/b.json", 2, b"torn}")]


def test_an_object_is_corrected_while_its_run_is_held(s3: Any, db: Connection[Any], dsn: str) -> None:
    s3.pipe("lake/data/log_data/a.json", b"bad")
    assert etl.run(LAKE, dsn=dsn, max_rejects=0).status == "held"
    s3.pipe("lake/data/log_data/a.json", lines(play()))
    report = etl.run(LAKE, dsn=dsn, max_rejects=0)
    assert (report.status, report.files_loaded, report.held_runs) == ("done", 1, [])
    assert one(db, "SELECT count(*) FROM songplays") == 1


def test_a_scheme_in_capitals_is_the_same_store(s3: Any, dsn: str) -> None:
    s3.pipe("lake/data/log_data/a.json", lines(play()))
    assert etl.run(LAKE.replace("s3", "S3"), dsn=dsn).files_loaded == 1
    assert etl.run(LAKE, dsn=dsn).files_new == 0


def test_more_objects_than_a_page(s3: Any, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    s3.pipe({f"lake/data/song_data/{at}.json": lines(song(f"S{at}")) for at in range(10)})
    call, pages = type(s3).call_s3, []

    def of_three(self: Any, method: str, **request: Any) -> Any:
        assert method == "list_objects_v2"
        pages.append(call(self, method, **request, MaxKeys=3))
        return pages[-1]

    monkeypatch.setattr(type(s3), "call_s3", of_three)
    files = find_files(f"{LAKE}/song_data", "song")
    assert [file.path for file in files] == [f"{LAKE}/song_data/{at}.json" for at in range(10)]
    assert [len(page["Contents"]) for page in pages] == [3, 3, 3, 1]


def test_keys_with_characters_that_mean_something_elsewhere(s3: Any, db: Connection[Any], dsn: str) -> None:
    keys = [
        "a b.json",
        "a*?[x].json",
        "é/ü.json",
        "a#b.json",
        "a::b.json",
        "a%20b.json",
        "a/../b.json",
        "x//y.json",
    ]
    hidden = [".a.json", ".ipynb_checkpoints/a.json", "folder/", "a.txt", "no.json.txt"]
    contents = {key: lines(play(NOVEMBER + at)) for at, key in enumerate(keys)}
    for key, content in (contents | dict.fromkeys(hidden, lines(play(NOVEMBER + 99)))).items():
        s3.call_s3("put_object", Bucket="lake", Key=f"data/log_data/{key}", Body=content)
    report = etl.run(LAKE, dsn=dsn)
    assert (report.files_loaded, report.rows["songplays"], report.tally.unreadable) == (
        len(keys) - 1,
        len(keys) - 1,
        {},
    )
    found = {path for (path,) in db.execute("SELECT path FROM etl.files")}
    assert found == {f"{LAKE}/log_data/{key}" for key in keys if ".." not in key}


def test_a_large_object_is_read_as_it_was_planned_or_not_at_all(s3: Any) -> None:
    s3.pipe("lake/data/a.json", lines(play(NOVEMBER)))
    (file,) = find_files(LAKE, "log")
    assert b"".join(storage.blocks(file, 10, 20)) == lines(play(NOVEMBER))[10:30]
    s3.pipe("lake/data/a.json", lines(play(NOVEMBER + 1)))
    with pytest.raises(OSError, match="it has changed since it was listed"):
        list(storage.blocks(file, 10, 20))
    assert batches.survey(batches.Range(file, 0, 100)) is None


def test_rejects_of_objects_are_tried_again(s3: Any, db: Connection[Any], dsn: str) -> None:
    for name in "ab":
        s3.pipe(f"lake/data/log_data/{name}.json", lines(play(ts=946_684_799_000 + ord(name))))
    assert etl.run(LAKE, dsn=dsn).books.rejected == 2
    db.execute("UPDATE etl.warehouse SET earliest = '1999-01-01 UTC'")
    s3.pipe("lake/data/log_data/b.json", b"another")
    done = retry(dsn=dsn)
    assert (done.tried, done.passed.loaded, done.changed) == (1, 1, 1)


def test_an_object_that_changes_or_vanishes_while_it_is_read(
    s3: Any, db: Connection[Any], dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparkify.extract.lines.SMALL_BYTES", 100)
    monkeypatch.setattr(objects, "RANGE_BYTES", 100)
    for name in "abc":
        s3.pipe(f"lake/data/log_data/{name}.json", lines(play(NOVEMBER + ord(name))))
    read = objects.blocks

    def change(file: InputFile, start: int, size: int) -> Any:
        for at, block in enumerate(read(file, start, size)):
            yield block
            if at == 1 and file.path.endswith("b.json"):
                s3.pipe("lake/data/log_data/b.json", lines(play(NOVEMBER + ord("z"))))
            if at == 1 and file.path.endswith("a.json"):
                s3.rm("lake/data/log_data/a.json")

    monkeypatch.setattr(objects, "blocks", change)
    report = etl.run(LAKE, dsn=dsn)
    assert report.files_loaded == 1
    changed = report.tally.unreadable.pop(f"{LAKE}/log_data/b.json")
    assert changed == "it has changed since it was listed"
    assert list(report.tally.unreadable) == [f"{LAKE}/log_data/a.json"]
    states = db.execute("SELECT right(path, 6), state FROM etl.files ORDER BY 1").fetchall()
    assert states == [("a.json", "vanished"), ("b.json", "unreadable"), ("c.json", "loaded")]
    report = etl.run(LAKE, dsn=dsn)
    assert (report.files_loaded, report.rows["songplays"], report.tally.unreadable) == (1, 2, {})


def test_small_objects_that_are_gone(s3: Any, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "ab":
        s3.pipe(f"lake/data/log_data/{name}.json", lines(play(NOVEMBER + ord(name))))
    fetch = objects.fetch

    def gone(wanted: Any) -> Any:
        if s3.exists("lake/data/log_data/a.json"):
            s3.rm("lake/data/log_data/a.json")
        return fetch(wanted)

    monkeypatch.setattr(objects, "fetch", gone)
    report = etl.run(LAKE, dsn=dsn)
    assert (report.files_loaded, list(report.tally.unreadable)) == (1, [f"{LAKE}/log_data/a.json"])


def test_what_is_not_read_is_counted_as_for_files(s3: Any, tmp_path: Path) -> None:
    names = [
        "a.jsonl", "x/b.NDJSON.bz2", "c.json.xz", "c.csv", "x/d.CSV", "e.tar.gz", "README", "x/_SUCCESS",
        ".f.csv",
        ".x/g.csv", "x.y/h",
    ]  # fmt: skip
    for name in names:
        write(tmp_path, f"log_data/{name}", "x")
        s3.pipe(f"lake/data/log_data/{name}", b"x\n")
    s3.call_s3("put_object", Bucket="lake", Key="data/log_data/folder/", Body=b"")
    of_files: Counter[str] = Counter()
    of_objects: Counter[str] = Counter()
    files = find_files(tmp_path / "log_data", "log", of_files)
    listed = find_files(f"{LAKE}/log_data", "log", of_objects)
    assert [file.path.partition("/log_data/")[2] for file in listed] == [
        "a.jsonl",
        "c.json.xz",
        "x/b.NDJSON.bz2",
    ]
    assert [file.path.partition("/log_data/")[2] for file in files] == [
        "a.jsonl",
        "c.json.xz",
        "x/b.NDJSON.bz2",
    ]
    assert of_objects == of_files == {".csv": 2, ".tar.gz": 1, "no ending": 2}


def test_folders_of_objects_that_are_others_than_was_meant(
    s3: Any, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*arguments: str) -> str:
        assert main(["etl", "--dsn", dsn, *arguments]) == 2
        return capsys.readouterr().err

    s3.pipe("lake/data/song_data/a.csv", b"x")
    assert f"in {LAKE}/song_data; 1 other file: .csv." in said(LAKE)
    s3.rm("lake/data/song_data/a.csv")
    s3.pipe("lake/data/song_data/a.json.xz", lzma.compress(lines(play())))
    s3.pipe("lake/data/log-data/a.json", lines(song()))
    assert f"there is log-data/: name it with --log-data {LAKE}/log-data" in said(LAKE)
    assert f"--song-data {LAKE}/log-data --log-data {LAKE}/song_data." in said(
        LAKE, "--log-data", f"{LAKE}/log-data"
    )
    assert "of songs and of logs" in said("--song-data", LAKE, "--log-data", f"{LAKE}/")
    assert f"{LAKE}/x lies within {LAKE}" in said("--song-data", LAKE, "--log-data", f"{LAKE}/x")
    s3.rm("lake/data/log-data/a.json")
    assert main(["etl", "--dsn", dsn, "--song-data", f"{LAKE}/song_data"]) == 2
    s3.pipe("lake/data/song_data/a.json.xz", lzma.compress(lines(song())))
    capsys.readouterr()
    assert main(["etl", "--dsn", dsn, LAKE]) == 0
    assert capsys.readouterr().err == f"{LAKE}/log_data is not there: only songs are loaded.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--log-data", "s3://no-such-bucket/x"], "Cannot list s3://no-such-bucket/x"),
        (["--log-data", "s3://lake/nothing"], "There are no objects below s3://lake/nothing."),
        (["s3://no-such-bucket/x"], "The specified bucket does not exist"),
        (["--log-data", "https://host/x?sign=secret"], "https:// addresses are not read"),
        (["s3://lake/nothing"], "s3://lake/nothing holds neither song_data/ nor log_data/."),
        (["--log-data", "s3://key:secret@lake/x"], "must hold no credentials"),
        (["--log-data", "s3://key:sec/ret@lake/x"], "must hold no credentials"),
        (["--log-data", "https://token@lake/x"], "must hold no credentials"),
        (["--log-data", "reference://lake"], "Cannot read reference:// addresses"),
        (["--log-data", "nope://lake/x"], "Cannot read nope:// addresses"),
    ],
)
def test_what_cannot_be_listed(
    s3: Any, module_dsn: str, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["etl", "--dsn", module_dsn, *arguments]) == 2
    output = "".join(capsys.readouterr())
    assert said in output
    assert output.count("\n") == 1
    assert "secret" not in output


@pytest.fixture
def new_clients(s3: Any) -> Iterator[None]:
    """For what changes the environment: the program makes its client anew, and the next test does, too."""
    type(s3).clear_instance_cache()
    yield
    type(s3).clear_instance_cache()


def test_a_store_that_cannot_be_reached(
    s3: Any, new_clients: None, dsn: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://user:secret@127.0.0.1:1")
    assert main(["etl", "--dsn", dsn, LAKE]) == 1
    output = "".join(capsys.readouterr())
    assert "Check the network" in output
    assert output.count("\n") == 1
    assert "secret" not in output


def test_an_object_that_ends_early_is_not_taken_for_whole(
    s3: Any, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparkify.extract.lines.SMALL_BYTES", 100)
    s3.pipe("lake/data/log_data/a.json", lines(play()))
    with mock.patch("s3fs.core.S3File.read", return_value=b""):
        report = etl.run(LAKE, dsn=dsn)
    assert list(report.tally.unreadable.values()) == ["it ends before the size that was listed"]
    assert etl.run(LAKE, dsn=dsn).files_loaded == 1


@pytest.fixture
def store(s3: Any, s3_server: str, new_clients: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The S3 server, behind one that can fail."""
    monkeypatch.setattr(patience, "LONGEST_PAUSE", 0.1)
    with store_before(s3_server) as store:
        monkeypatch.setenv("AWS_ENDPOINT_URL", store.url)
        yield store


def test_a_store_that_fails_is_asked_again(
    s3: Any, store: Store, dsn: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Amazon's answers of status 500 and more ask for that; a load may have a million objects."""
    monkeypatch.setattr("sparkify.extract.lines.SMALL_BYTES", 1000)
    monkeypatch.setattr(objects, "RANGE_BYTES", 1000)
    small = {f"lake/data/log_data/{at}.json": lines(play(NOVEMBER + at)) for at in range(20)}
    large = lines(*[play(NOVEMBER + 1000 + at) for at in range(20)])
    s3.pipe(small | {"lake/data/log_data/large.json": large})
    chance = random.Random(1)
    codes = [(500, "InternalError"), (503, "SlowDown"), (429, "TooManyRequests"), BROKEN, *[None] * 4]
    store.answer = lambda _method, _path: chance.choice(codes)
    report = etl.run(LAKE, dsn=dsn)
    assert (report.files_loaded, report.rows["songplays"], report.tally.unreadable) == (21, 40, {})
    assert "Trying again" in caplog.text


def test_a_store_that_goes_away_and_comes_back(s3: Any, store: Store) -> None:
    s3.pipe({f"lake/data/log_data/{at}.json": lines(play(NOVEMBER + at)) for at in range(3)})
    found = find_files(f"{LAKE}/log_data", "log")
    store.close()
    back = threading.Timer(1.0, store.open)
    back.start()
    assert len(list(storage.read_small(found))) == 3
    back.join()


def test_objects_that_may_not_be_read_are_asked_for_once(
    s3: Any, store: Store, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A batch has up to 5,000 objects: to read it again for each would be 12 million requests."""
    s3.pipe({f"lake/data/log_data/{at:02}.json": lines(play(NOVEMBER + at)) for at in range(30)})
    denied = [f"/lake/data/log_data/{at:02}.json" for at in range(0, 30, 2)]
    store.answer = lambda _method, path: (403, "AccessDenied") if path in denied else None
    assert main(["etl", "--dsn", dsn, LAKE]) == 0
    assert [store.asked["GET", path] for path in denied] == [1] * 15
    said = capsys.readouterr().err.splitlines()
    why = "AccessDenied: it may be listed, but not read. The next run tries again."
    assert said[-11:] == [
        *(f"s3:/{path} was not read: {why}" for path in denied[:10]),
        "5 more files were not read. etl.files lists all, as unreadable or vanished.",
    ]


def test_only_failures_count_against_a_store(
    s3: Any, store: Store, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slow objects beside one that fails take no time from its next attempts."""
    monkeypatch.setattr(store_errors, "RETRY_SECONDS", 0.5)
    s3.pipe({f"lake/data/log_data/{name}.json": lines(play(NOVEMBER + ord(name))) for name in "ab"})

    def answer(method: str, path: str) -> Answer:
        if store.asked[method, path] != 2:  # the plan looks at each first
            return None
        if path.endswith("a.json"):
            time.sleep(1)
        return (503, "SlowDown") if path.endswith("b.json") else None

    store.answer = answer
    assert etl.run(LAKE, dsn=dsn).files_loaded == 2


def test_nobody_waits_for_a_store_that_is_slow(s3: Any, store: Store, dsn: str) -> None:
    """A batch that has one chunk reads it before its transaction begins."""
    s3.pipe("lake/data/log_data/a.json", lines(play()))
    reading, go_on = threading.Event(), threading.Event()

    def answer(method: str, path: str) -> Answer:
        if path.endswith("a.json") and store.asked[method, path] == 2:  # the plan looks at it first
            reading.set()
            go_on.wait(30)
        return None

    store.answer = answer
    with ThreadPoolExecutor(1) as pool:
        loaded = pool.submit(etl.run, LAKE, dsn=dsn, workers=2)
        assert reading.wait(30)
        since = time.monotonic()
        forget([999], dsn=dsn)
        took = time.monotonic() - since
        go_on.set()
        assert loaded.result().files_loaded == 1
    assert took < 10


def test_a_load_that_is_given_up_does_not_wait_for_the_store(s3: Any, store: Store, dsn: str) -> None:
    for name in "ab":
        s3.pipe(f"lake/data/log_data/{name}.json", lines(play(NOVEMBER + ord(name))))

    def answer(method: str, path: str) -> Answer:
        if not path.endswith(".json") or store.asked[method, path] == 1:  # the plan looks at each
            return None
        is_later = store.asked[method, "/lake/data/log_data/a.json"] > 4
        return (403, "ExpiredToken") if path.endswith("b.json") and is_later else (503, "SlowDown")

    store.answer = answer
    since = time.monotonic()
    with pytest.raises(StorageFailed, match="ExpiredToken"):
        etl.run(LAKE, dsn=dsn, workers=2, batch_bytes=1)
    assert time.monotonic() - since < 30


def test_to_list_and_to_read_is_enough(s3: Any, store: Store, dsn: str) -> None:
    """A folder is not looked for as an object: whoever may list a prefix only would be refused."""
    s3.pipe("lake/data/log_data/a.json", lines(play()))
    store.answer = lambda method, _path: (403, "AccessDenied") if method == "HEAD" else None
    assert etl.run(LAKE, dsn=dsn).files_loaded == 1


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch"])
def test_wrong_credentials_are_told(
    store: Store, dsn: str, capsys: pytest.CaptureFixture[str], code: str
) -> None:
    store.answer = lambda _method, _path: (403, code)
    assert main(["etl", "--dsn", dsn, LAKE]) == 1
    assert "Check the network, the credentials and AWS_ENDPOINT_URL" in capsys.readouterr().err


def test_s3a_is_s3(s3: Any, dsn: str) -> None:
    s3.pipe("lake/data/log_data/a.json", lines(play()))
    assert etl.run(LAKE, dsn=dsn).files_loaded == 1
    assert etl.run(LAKE.replace("s3", "s3a"), dsn=dsn).files_new == 0


def test_a_store_that_refuses_us_is_not_the_fault_of_each_object(s3: Any) -> None:
    from botocore.exceptions import ClientError
    from s3fs.errors import translate_boto_error

    def refused(code: str) -> type:
        error = translate_boto_error(ClientError({"Error": {"Code": code, "Message": "no"}}, "GetObject"))
        return type(store_errors.error_of(error, "s3://lake/x"))

    assert refused("ExpiredToken") is StorageFailed
    assert issubclass(refused("SlowDown"), StorageFailed)
    assert refused("AccessDenied") is PermissionError
    assert refused("NoSuchKey") is FileNotFoundError


def test_a_store_that_was_reached_is_told_from_one_that_was_not(s3: Any) -> None:
    """The client gives both the same error, and the true one as its cause."""
    from botocore.exceptions import EndpointConnectionError

    def found(cause: Exception) -> type:
        error = EndpointConnectionError(endpoint_url="http://store")
        error.__cause__ = cause
        return type(store_errors.error_of(error, "s3://lake/x"))

    assert found(ConnectionResetError()) is store_errors._Busy  # noqa: SLF001
    assert found(ConnectionRefusedError()) is store_errors._Away  # noqa: SLF001


def test_other_stores(db: Connection[Any], dsn: str) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe("/lake/log_data/a.json", lines(play()))
    memory.pipe("/lake/log_data/.b.json", lines(play(NOVEMBER + 1)))
    assert etl.run(log_data="memory://lake/log_data", dsn=dsn).files_loaded == 1
    assert one(db, "SELECT path FROM etl.files") == "memory://lake/log_data/a.json"
    assert etl.run(log_data="memory://lake/log_data", dsn=dsn).files_new == 0
    memory.rm("/lake", recursive=True)


def test_without_its_packages(monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setitem(sys.modules, "s3fs", None)
    registry = sys.modules["fsspec.registry"]._registry  # noqa: SLF001  what was imported before
    monkeypatch.delitem(registry, "s3", raising=False)
    with pytest.raises(UsageError, match=r"install sparkify\[s3\]"):
        find_files(LAKE, "log")


def test_local_files_do_without_fsspec(tmp_path: Path, dsn: str) -> None:
    (tmp_path / "log_data").mkdir()
    (tmp_path / "log_data" / "a.json").write_bytes(lines(play()))
    code = (
        "import sys; from sparkify import etl; etl.run(sys.argv[1], dsn=sys.argv[2]); assert 'fsspec' not"
        " in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), dsn], check=True, env=os.environ | {"PYTHONWARNINGS": ""}
    )
