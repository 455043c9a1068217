"""Every file in the folders is read or reported: by name, by ending, or by a refusal before any change."""

import bz2
import errno
import gzip
import json
import lzma
import os
import random
import socket
import stat
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import Connection

from sparkify import etl
from sparkify.core._core import list_folder
from sparkify.errors import UsageError
from sparkify.extract import folders
from sparkify.extract.files import NO_ENDING, InputFile, Kind, compression_of, ending_of
from sparkify.extract.find import find_files
from sparkify.extract.folders import find_input
from sparkify.extract.kinds import kind_of
from tests.support.data import NOVEMBER, lines, play, song, write
from tests.support.warehouse import one

Run = Callable[..., subprocess.CompletedProcess[str]]
PACKS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes, ".gz": gzip.compress, ".zst": zstandard.compress, ".bz2": bz2.compress, ".xz": lzma.compress,
}  # fmt: skip
NOWHERE = "host=/nowhere"  # connecting would fail with exit code 1


# --- names --------------------------------------------------------------------------------------------------


@given(
    stem=st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), max_size=5),
    ending=st.sampled_from([".json", ".jsonl", ".ndjson"]),
    packed=st.sampled_from(list(PACKS)),
    upper=st.randoms(use_true_random=False),
)
def test_names_that_are_read(stem: str, ending: str, packed: str, upper: Any) -> None:
    name = "".join(upper.choice([char, char.upper()]) for char in ending + packed)
    found = {"": None, ".gz": "gzip", ".zst": "zstd", ".bz2": "bzip2", ".xz": "xz"}
    assert compression_of(stem + name) == found[packed]
    assert compression_of(stem + name + "~") == ""


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("a.tar.gz", ".tar.gz"),
        ("a.tgz", ".tgz"),
        ("songs.json.zip", ".zip"),
        ("a.CSV", ".csv"),
        ("a.csv.bz2", ".csv.bz2"),
        ("a.gz", ".gz"),
        ("a.json.1", ".1"),
        ("a.2018-11-01", NO_ENDING),
        ("a.20181101", NO_ENDING),
        ("a.7z", ".7z"),
        ("README", NO_ENDING),
        ("json", NO_ENDING),
        ("json.gz", ".gz"),
        ("a.json~", NO_ENDING),
        ("a.jſon", NO_ENDING),  # the long s equals s only if case is ignored by Unicode rules
        ("a.", NO_ENDING),
    ],
)
def test_names_that_are_not_read(name: str, ending: str) -> None:
    assert (compression_of(name), ending_of(name)) == ("", ending)


names = st.text(st.sampled_from("aJ.x~é2"), min_size=1, max_size=4).filter(
    lambda name: name not in {".", ".."}
)
endings = st.sampled_from(["", ".json", ".ndjson.xz", ".csv", ".tar.gz", ".JSONL", ".zip", ".1"])


@settings(max_examples=40, deadline=None)
@given(paths=st.lists(st.tuples(st.lists(names, max_size=2), names, endings), max_size=8))
def test_every_visible_file_is_read_or_counted(paths: list[tuple[list[str], str, str]]) -> None:
    with tempfile.TemporaryDirectory() as root:
        for folders, name, ending in paths:
            path = Path(root, *folders, name + ending)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
            except OSError:  # a file or folder of this name exists already
                continue
        counted: Counter[str] = Counter()
        found = find_files(root, "log", counted)
        visible = [
            path
            for path in Path(root).rglob("*")
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)
        ]
    assert {file.path for file in found} == {str(path) for path in visible if compression_of(path.name) != ""}
    assert counted == Counter(ending_of(path.name) for path in visible if compression_of(path.name) == "")


def test_the_core_lists_what_python_lists(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    (folder / "below").mkdir(parents=True)
    outside.mkdir()
    for at, name in enumerate([b"a.json", b"\xff", b".hidden", b"\xc3\xa9" * 100]):
        path = folder / os.fsdecode(name)
        path.write_bytes(bytes(at))
        os.utime(path, ns=(0, 123_456_789 - at * 10**18))
    (folder / "link").symlink_to(outside)
    (folder / "file").symlink_to(folder / "a.json")
    (folder / "broken").symlink_to("nowhere")
    (folder / "loop").symlink_to(folder / "loop")
    os.mkfifo(folder / "pipe")
    expected = set()
    for path in folder.iterdir():
        try:
            status = path.stat()
        except OSError:
            expected.add((path.name, False, 0, 0))
            continue
        is_folder = stat.S_ISDIR(status.st_mode)
        seen = (0, 0) if is_folder else (status.st_size, status.st_mtime_ns)
        expected.add((path.name, is_folder, *seen))
    identity, found = list_folder(str(folder))
    assert set(found) == {entry for entry in expected if entry[0] != ".hidden"}
    assert identity == (os.stat(folder).st_dev, os.stat(folder).st_ino)
    for path, error in (("none", FileNotFoundError), ("a.json", NotADirectoryError)):
        with pytest.raises(error) as raised:
            list_folder(str(folder / path))
        assert raised.value.filename == str(folder / path)
    for argument, error in (("a\0b", ValueError), (b"a", TypeError)):
        with pytest.raises(error):
            list_folder(argument)  # type: ignore[arg-type]


def test_a_listing_that_has_a_name_twice(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may do that if the folder changes meanwhile. The file is read once."""

    def twice(path: str) -> tuple[tuple[int, int], list[tuple[str, bool, int, int]]]:
        identity, entries = list_folder(path)
        return identity, entries * 2

    write(tmp_path, "log_data/a.json", play())
    monkeypatch.setattr("sparkify.extract.find.list_folder", twice)
    report = etl.run(tmp_path, dsn=dsn)
    assert (report.files_found, report.books.lines, report.books.duplicates) == (1, 1, 0)


# --- folders with several names -----------------------------------------------------------------------------


@pytest.fixture
def any_order(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """The system lists a folder in any order, which may change with each new entry: choose one by a seed."""

    def choose(seed: int) -> None:
        def shuffled(path: str) -> tuple[tuple[int, int], list[tuple[str, bool, int, int]]]:
            identity, entries = list_folder(path)
            return identity, random.Random(seed).sample(sorted(entries), len(entries))

        monkeypatch.setattr("sparkify.extract.find.list_folder", shuffled)

    return choose


def test_a_folder_with_several_names_is_read_under_the_same_one(
    tmp_path: Path, any_order: Callable[[int], None]
) -> None:
    """A real folder under its own name, another under the link that comes first; links in links come last."""
    root, outside, far = tmp_path / "root", tmp_path / "outside", tmp_path / "far"
    for name in ("root/m/1.json", "root/m/deep/2.json", "root/b/3.json", "outside/4.json", "far/5.json"):
        write(tmp_path, name, play())
    for link, target in (
        (root / "a", root / "m"),
        (root / "b" / "k", root / "m" / "deep"),
        (root / "loop", root),
        (root / "x", outside),
        (root / "y", outside),
        (outside / "far", far),
        (root / "z", far),
    ):
        link.symlink_to(target)
    expected = ["b/3.json", "m/1.json", "m/deep/2.json", "x/4.json", "z/5.json"]
    for seed in range(20):
        any_order(seed)
        assert [file.path for file in find_files(root, "log")] == [f"{root}/{name}" for name in expected]


def test_a_corrected_song_in_a_folder_with_several_names(
    db: Connection[Any], dsn: str, tmp_path: Path, any_order: Callable[[int], None]
) -> None:
    """The record before the correction is in no file any more."""
    folder = tmp_path / "song_data"
    write(folder, "m/1.json", song(title="Old title"))
    for seed, link in enumerate("za123"):
        (folder / link).symlink_to("m")
        any_order(seed)
        etl.run(song_data=folder, dsn=dsn)
    write(folder, "m/1.json", song(title="Z correct title"))
    etl.run(song_data=folder, dsn=dsn)
    assert one(db, "SELECT title FROM songs") == "Z correct title"
    assert one(db, "SELECT array_agg(path) FROM etl.files") == [f"{folder}/m/1.json"]


def test_a_file_with_several_names_is_read_under_each(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    folder = tmp_path / "song_data"
    path = write(folder, "m.json", song(title="Old title"))
    (folder / "a.json").symlink_to("m.json")
    (folder / "z.json").hardlink_to(path)
    assert etl.run(song_data=folder, dsn=dsn).files_loaded == 3
    write(folder, "m.json", song(title="Z correct title"))
    assert etl.run(song_data=folder, dsn=dsn).files_loaded == 3
    assert one(db, "SELECT title FROM songs") == "Z correct title"


def test_what_lies_beside_is_counted_and_said(dsn: str, tmp_path: Path, run_here: Run) -> None:
    write(tmp_path, "song_data/a.json", song())
    write(tmp_path, "log_data/a.json", play())
    others = [
        "README",
        "2018/a.csv",
        "2018/b.CSV",
        "c.parquet",
        "d.zip",
        "e.tar.gz",
        "songs.json.zip",
        "f.json.bak",
    ]
    for name in [*others, ".hidden.csv", ".ipynb_checkpoints/a.csv", "2018/_SUCCESS"]:
        write(tmp_path, f"log_data/{name}", "x")
    done = run_here("etl", tmp_path, "--json", dsn=dsn)
    report = json.loads(done.stdout)
    counted = {NO_ENDING: 1, ".csv": 2, ".parquet": 1, ".zip": 2, ".tar.gz": 1, ".bak": 1}
    assert (done.returncode, report["files"]["found"], report["files"]["loaded"]) == (0, 2, 2)
    assert report["files"]["other"] == counted
    for command in (["etl", tmp_path], ["etl", tmp_path, "--dry-run"]):
        said = run_here(*command, dsn=dsn).stderr.splitlines()
        assert said == report["remarks"]
        assert said[0].startswith(f"Not read in {tmp_path}/log_data: 8 other files: 2 .csv, 2 .zip, 1 .bak, ")
        assert said[1] == "Archives (.tar.gz, .zip) are not opened: unpack them."
        assert said[2].startswith("Tables (.csv, .parquet) are not read: write them as JSON")


def test_many_endings_are_said_in_short(tmp_path: Path) -> None:
    write(tmp_path, "a.json", play())
    for at in range(20):
        (tmp_path / f"x.a{at}").touch()
    found = find_input(None, None, tmp_path)
    assert len(found.other_files) == 20
    assert found.remarks[0].endswith(", 12 more.")


def test_the_name_of_a_folder_that_is_no_text(dsn: str, tmp_path: Path) -> None:
    """The remarks are kept with the run."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    write(folder, "a.json", play())
    write(folder, "a.txt", "x")
    assert "xff: 1 other file: .txt." in etl.run(log_data=folder, dsn=dsn).remarks[0]


# --- what bears the name of a file and is none --------------------------------------------------------------


def test_a_pipe_a_socket_and_a_link_that_leads_nowhere(
    db: Connection[Any], dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "song_data/a.json", song())
    write(tmp_path, "log_data/a.json", play())
    logs = tmp_path / "log_data"
    os.mkfifo(logs / "pipe.json")
    os.mkfifo(logs / "pipe.jsonl.xz")
    (logs / "link.json").symlink_to(tmp_path / "gone")
    (logs / "device.json").symlink_to("/dev/null")
    monkeypatch.chdir(logs)  # the path of a socket is limited in length
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.json")
    found = etl.run(tmp_path, dsn=dsn)
    names = ("pipe.json", "pipe.jsonl.xz", "socket.json", "device.json")
    no_file = "it is a pipe, a socket or a device: remove or rename it"
    assert found.tally.unreadable == {f"{logs}/{name}": no_file for name in names} | {
        f"{logs}/link.json": "the link leads nowhere: remove it or fix it"
    }
    assert (found.files_loaded, found.rows["songplays"], found.remarks) == (2, 1, [])
    assert one(db, "SELECT state FROM etl.files WHERE path LIKE '%%link.json'") == "vanished"
    assert one(db, "SELECT count(*) FROM etl.files WHERE state = 'unreadable'") == len(names)
    write(tmp_path, "gone", play(NOVEMBER + 1))
    assert etl.run(tmp_path, dsn=dsn).rows["songplays"] == 2


@pytest.mark.parametrize("ending", ["json", "json.gz"])
def test_content_in_a_file_of_no_size_is_not_taken_for_none(dsn: str, tmp_path: Path, ending: str) -> None:
    content = Path("/proc/version")
    if not content.is_file() or content.stat().st_size:
        pytest.skip("this system has no file of size 0 with content")
    write(tmp_path, "log_data/a.json", play())
    write(tmp_path, "log_data/empty.json")
    sizeless = tmp_path / f"log_data/sizeless.{ending}"
    sizeless.symlink_to(content)
    found = etl.run(tmp_path, dsn=dsn)
    assert found.tally.unreadable == {str(sizeless): "it has content, but its size is given as 0: copy it"}
    assert (found.files_loaded, found.rows["songplays"]) == (2, 1)


# --- a folder in which nothing can be read ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "arguments", "said"),
    [
        # files with an ending that is not read
        (
            ["log_data/a.txt"],
            ["--log-data", "log_data"],
            "in log_data; 1 other file: .txt. If they hold JSON",
        ),
        (
            ["log_data/a.csv", "log_data/2018/b.csv"],
            ["--log-data", "log_data"],
            "2 other files: .csv. Tables (.csv)",
        ),
        (["log_data/a.zip", "song_data/a.json"], ["."], "1 other file: .zip. Archives (.zip) are not opened"),
        (["log_data/a.tar.gz", "song_data/a.json"], ["."], "1 other file: .tar.gz. Archives"),
        (["log_data/a.json", "song_data/a.parquet"], ["."], "in ./song_data; 1 other file: .parquet. Tables"),
        (["log_data/.a.json"], ["--log-data", "log_data"], "log_data is empty"),
        (
            ["log_data/.a.json", "song_data/.a"],
            ["."],
            ". holds neither song_data/ nor log_data/ with files in it",
        ),
        (["a.json"], ["--log-data", "a.json"], "a.json is not a folder"),
        (["a.json"], ["a.json"], "a.json is not a folder"),
        # folders that do not exist, beside ./data, which does
        (["data/log_data/a.json"], ["nosuch"], "nosuch does not exist"),
        (["data/log_data/a.json"], ["nosuch", "--log-data", "data/log_data"], "nosuch does not exist"),
        (["data/log_data/a.json"], ["--song-data", "nosuch"], "nosuch does not exist"),
        (["data/log_data/a.json"], ["x" * 5000], "File name too long"),
        (["x/a.json"], [], "data does not exist"),
        # $DIR is not set
        (["data/log_data/a.json"], [""], "The name of a folder is empty"),
        (["data/log_data/a.json"], ["", "--log-data", "data/log_data"], "The name of a folder is empty"),
        (["data/log_data/a.json"], ["--song-data", ""], "The name of a folder is empty"),
        (["data/log_data/a.json"], ["data", "--log-data", ""], "The name of a folder is empty"),
        (["x/a.json"], ["--song-data", "x", "--log-data", "./x"], "is the folder of songs and of logs"),
        (["x/a.json", "x/y/a.json"], ["--song-data", "x/y", "--log-data", "x"], "x/y lies within x"),
        (["x/a.json", "x/y/a.json"], ["--song-data", "x", "--log-data", "x/y"], "x/y lies within x"),
    ],
)
def test_nothing_to_read_is_wrong_usage(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_here: Run,
    files: list[str],
    arguments: list[str],
    said: str,
) -> None:
    for name in files:
        write(tmp_path, name, play())
    monkeypatch.chdir(tmp_path)
    for more in ([], ["--dry-run"], ["--json"]):
        done = run_here("etl", *arguments, *more, dsn=NOWHERE)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            errno.EACCES,
            "Permission denied. Make it readable: this user needs r and x on it, and x on the folders above.",
        ),
        (errno.EIO, "Input/output error."),
    ],
)
def test_a_folder_below_that_cannot_be_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int, said: str
) -> None:
    write(tmp_path, "log_data/a.json", play())
    write(tmp_path, "log_data/2018/a.json", play())

    def refused(path: str) -> object:
        if path.endswith("2018"):
            raise OSError(error, os.strerror(error), path)
        return list_folder(path)

    monkeypatch.setattr("sparkify.extract.find.list_folder", refused)
    with pytest.raises(UsageError) as raised:
        find_files(tmp_path, "log")
    assert str(raised.value) == f"Cannot list {tmp_path}/log_data/2018: {said}"


def test_a_link_to_the_other_folder(tmp_path: Path) -> None:
    write(tmp_path, "song_data/a.json", song())
    (tmp_path / "log_data").symlink_to("song_data")
    with pytest.raises(UsageError, match="of songs and of logs"):
        find_input(tmp_path, None, None)


# --- a folder that is missing -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "said"),
    [
        # the case unseen-log-hyphen
        (["song_data/a.json", "log-data/a.json"], "./log_data is not there, but there is log-data/: name it"
                                                  " with --log-data ./log-data"),
        (["log_data/a.json", "Song_Data/a.json"], "./song_data is not there, but there is Song_Data/: name it"
                                                  " with --song-data ./Song_Data"),
        (["song_data/a.json", "event data/a.json"], "--log-data './event data', or rename it to log_data/"),
        (["song_data/a.json", "logs/a.json"], "there is logs/"),
        (["song_data/a.json", "log_data/.a.json", "logs/a.json"], "./log_data is empty, but there is logs/"),
        (["song_data/a.json", "logs/a.json"], "To load only songs: sparkify etl --song-data ./song_data."),
        (["log_data/a.json", "catalogue/a.json"], "there is catalogue/"),
        (["song_data/a.json", "log-data.zip"], "log-data.zip, but no folder log_data/. Archives (.zip)"),
        (["song_data/a.json", "log_data"], "there is log_data, which is not a folder"),
        (["song_data/a.json", "events.json"], "there is events.json: put it into a folder log_data/"),
        (["song-data/a.json", "log-data/a.json"], "nor log_data/, but song-data/: name it with --song-data"
                                                  " ./song-data"),
        (["a.json"], "It holds logs itself: load them with --log-data ."),
        (["2018/11/a.json.xz", ".b.json"], "It holds logs itself"),
        (["data/log_data/a.json"], "But ./data does: name that."),
        (["data/log_data/a.json", "catalogue/a.json"], "to song_data/. Or name ./data, which does."),
        (["a.txt"], "Name the folder that does."),
    ],
)  # fmt: skip
def test_another_name_than_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_here: Run, files: list[str], said: str
) -> None:
    for name in files:
        path = write(tmp_path, name, play())
        if name.endswith(".xz"):
            path.write_bytes(lzma.compress(path.read_bytes()))
    monkeypatch.chdir(tmp_path)
    done = run_here("etl", ".", dsn=NOWHERE)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_songs_and_logs_in_one_folder(tmp_path: Path) -> None:
    write(tmp_path, "x.json", song())
    write(tmp_path, "y.json", play())
    with pytest.raises(UsageError, match="put them apart"):
        find_input(tmp_path, None, None)


@pytest.mark.parametrize("kind", ["song", "log"])
@pytest.mark.parametrize("empty", [False, True])
def test_what_a_missing_half_means(
    dsn: str, tmp_path: Path, run_here: Run, kind: str, *, empty: bool
) -> None:
    """The similar name is not a folder of files: a remark is enough, and the other folder is loaded."""
    other, record = ("log", play()) if kind == "song" else ("song", song())
    write(tmp_path, f"{other}_data/a.json", record)
    write(tmp_path, "etl.log", "x")
    write(tmp_path, "notebooks/logs.txt", "x")
    if empty:
        (tmp_path / f"{kind}_data").mkdir()
    said = f"{tmp_path}/{kind}_data is {'empty' if empty else 'not there'}: only {other}s are loaded.\n"
    done = run_here("etl", tmp_path, dsn=dsn)
    assert (done.returncode, done.stderr) == (0, said)
    assert "Loaded 1 new of 1 file in" in done.stdout
    named = run_here("etl", f"--{other}-data", tmp_path / f"{other}_data", dsn=dsn)
    assert (named.returncode, named.stderr) == (0, "")


# --- folders that were swapped ------------------------------------------------------------------------------


def _told(text: bytes, ending: str = ".json") -> Kind | None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(PACKS.get("." + ending.rpartition(".")[2], bytes)(text))
        file.flush()
        return kind_of(InputFile("log", file.name, Path(file.name).stat().st_size, 0, compression_of(ending)))


@settings(max_examples=60, deadline=None)
@given(
    record=st.sampled_from([(play(), "log"), (song(), "song"), (play(page="Home"), "log")]),
    dropped=st.sets(st.sampled_from(["artist", "song", "title", "userId", "ts", "artist_id", "year"])),
    order=st.randoms(use_true_random=False),
    indent=st.sampled_from([None, 2]),
    shape=st.sampled_from(["{}", "[{}]", "\ufeff{}", "\n\r\n{}\n", "{}\n{{torn"]),
    ending=st.sampled_from([f".json{packed}" for packed in PACKS]),
)
def test_what_a_file_holds_is_told_by_its_keys(
    record: tuple[dict[str, Any], Kind],
    dropped: set[str],
    order: Any,
    indent: int | None,
    shape: str,
    ending: str,
) -> None:
    fields, kind = record
    keys = [key for key in fields if key not in dropped]
    order.shuffle(keys)
    text = json.dumps({key: fields[key] for key in keys}, indent=indent)
    assert _told(shape.format(text).encode(), ending) == kind


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{}", b"\0" * 5000, b"\xff\xfe{", b"<html>", json.dumps(play()).encode("utf-16"),
        lines(play(), song()), lines(play(song_id="S1")), lines(song(page=1)), b'{"title": "x", "name": "y"}',
    ],
)  # fmt: skip
def test_what_cannot_be_told(text: bytes) -> None:
    """A file with the fields of both may be either: a song with a page is a song."""
    assert _told(text) is None


def test_much_of_bzip2_is_read_before_it_tells() -> None:
    record = play(userAgent=os.urandom(500_000).hex())
    assert _told(lines({key: record[key] for key in sorted(record, key=len)}), ".json.bz2") == "log"


def _refused(run: Run, folder: Path, dsn: str, *more: object) -> str:
    done = run("etl", folder, *more, dsn=dsn)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.mark.parametrize("packed", ["", ".xz"])
def test_swapped_folders(db: Connection[Any], dsn: str, tmp_path: Path, run_here: Run, packed: str) -> None:
    for at in range(5):
        for name, record in (("song_data", play(NOVEMBER + at)), ("log_data", song(f"S{at}"))):
            path = write(tmp_path, f"{name}/{at}.json{packed}", record)
            path.write_bytes(PACKS[packed](path.read_bytes()))
    for more in ([], ["--dry-run"]):
        said = _refused(run_here, tmp_path, dsn, *more)
        assert f"{tmp_path}/song_data holds logs, not songs: see {tmp_path}/song_data/0.json{packed}." in said
        assert f"Load them with --song-data {tmp_path}/log_data --log-data {tmp_path}/song_data." in said
    assert one(db, "SELECT count(*) FROM etl.known_files") == one(db, "SELECT count(*) FROM etl.runs") == 0
    report = etl.run(song_data=tmp_path / "log_data", log_data=tmp_path / "song_data", dsn=dsn)
    assert (report.rows["songplays"], report.rows["songs"], report.books.rejected) == (5, 5, 0)


def test_one_folder_that_is_the_other(dsn: str, tmp_path: Path, run_here: Run) -> None:
    write(tmp_path, "logs/a.json", play())
    write(tmp_path, "more/a.json", play(NOVEMBER + 1))
    said = _refused(
        run_here, tmp_path / "logs", dsn, "--song-data", tmp_path / "more", "--log-data", tmp_path / "logs"
    )
    assert f"{tmp_path}/more holds logs, not songs" in said
    assert "Name the right folder with --song-data." in said
    assert "swapped" not in said


def test_a_stray_file_is_not_refused(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines are rejected and the rest is loaded. It does not stop later loads either."""
    write(tmp_path, "log_data/a.json", song())
    write(tmp_path, "log_data/b.json", play())
    write(tmp_path, "song_data/a.json", song())
    assert etl.run(tmp_path, dsn=dsn).books.rejected == 1
    write(tmp_path, "log_data/c.json", song())
    write(tmp_path, "log_data/d.json", song())
    assert etl.run(tmp_path, dsn=dsn).books.rejected == 2
    for name in "efg":
        write(tmp_path, f"log_data/{name}.json", song())
    with pytest.raises(UsageError, match="log_data holds songs"):
        etl.run(tmp_path, dsn=dsn)
    for name in "efg":
        (tmp_path / f"log_data/{name}.json").unlink()
    monkeypatch.setattr(folders, "kind_of", lambda _: pytest.fail("nothing is new"))
    assert etl.run(tmp_path, dsn=dsn).files_new == 0


def test_few_files_are_looked_at(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in range(20):
        write(tmp_path, f"log_data/{at:02}.json", *[play(NOVEMBER + at)] * (at > 3))  # the first are empty
    seen = []
    monkeypatch.setattr(
        folders, "kind_of", lambda file: (seen.append(Path(file.path).stem), kind_of(file))[1]
    )
    etl.run(tmp_path, dsn=dsn)
    assert seen == ["04", "11", "19"]
