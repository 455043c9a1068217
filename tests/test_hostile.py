r"""Text from input never becomes SQL, a path, a terminal escape or markup, and is kept to the byte."""

import html
import importlib.util
import io
import json
import os
import re
from contextlib import redirect_stderr, redirect_stdout
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from sparkify import analytics, cli
from sparkify.commands.output import printable
from sparkify.database.connection import connect
from sparkify.errors import UsageError
from tests.support.data import NOVEMBER, play, song, write
from tests.support.warehouse import one

HOSTILE = [
    "'; DROP TABLE songplays CASCADE; --",
    '" || (SELECT version()) || "',
    "$$; SELECT pg_sleep(9); $$",
    "%s %(x)s %n {} {0.__class__} {songplays} %%",
    "\\. \\N \\\\ \\x00 \\",
    "\\.",
    "\\N",
    'a"b,c\td',
    "line\nsparkify: all is well\r\n",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07\x9b2J\x08\x7f",
    "\x1b]8;;http://example.com\x07link\x1b]8;;\x07",
    "[red]red[/red] [link=http://example.com]x[/link] [/nothing] :smile:",
    "<script>alert(1)</script><img src=x onerror=alert(1)>&amp;</td></table>",
    "\u202egnp.exe\u2066\u200b\u2028\u2029\ufeff\u061c",
    "`touch /tmp/sparkify-was-here` $(touch /tmp/sparkify-was-here) | ; &",
    "../../../../etc/passwd",
    "=cmd|' /C calc'!A0",
    "e\u0301\u0301\u0301 \U0001f3b5 \u05d0\u05d1 \uffff \U0010ffff",
    "NULL",
    "x" * 5000,
]
TEXTS = ("song", "artist", "level", "firstName", "lastName", "gender", "location", "userAgent")
STEERS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def name_of(text: str, number: int) -> str:
    """A file or folder name with as much of the text as a name may contain."""
    return f"{number} {text.replace('/', '|')[:60]}"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Put each text into every field of a play, its song and a reject, and into folder and file names."""
    root = tmp_path_factory.mktemp("hostile")
    for number, text in enumerate(HOSTILE):
        fields = dict.fromkeys(TEXTS, text) | {"userId": str(number), "itemInSession": number}
        below = name_of(text, number)
        write(
            root, f"log_data/{below}/{below}.json",
            play(NOVEMBER + number, **fields),
            play(**{**fields, "userId": text}),
            play(**{**fields, text: 1, "length": "1"}),
            f'{{"page": "NextSong", {json.dumps(text)}: 1, {json.dumps(text)}: 2}}',
            text.encode("utf-8").hex() if "\n" in text else text,
        )  # fmt: skip
        identifier = text[:900]
        write(
            root, f"song_data/{below}.json",
            song(identifier, title=text, artist_id=identifier, artist_name=text, artist_location=text),
            song(identifier, title=text, artist_id="", artist_name=text),
        )  # fmt: skip
    Path(os.fsdecode(os.fsencode(root / "log_data") + b"/\xff\x1b[31m.json")).write_bytes(b"{\n")
    (root / "log_data" / "gone\nsparkify: all is well\x1b[31m.json").symlink_to("/nowhere/at/all")
    return root


def sparkify(dsn: str, *arguments: object, code: int = 0) -> tuple[str, str]:
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        assert cli.main([*map(str, arguments), "--dsn", dsn]) == code
    return out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def loaded(data: Path, module_dsn: str) -> tuple[str, str, str]:
    return (module_dsn, *sparkify(module_dsn, "etl", data))


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "250")


@pytest.fixture
def there(loaded: tuple[str, str, str]) -> Any:
    with connect(loaded[0]) as connection:
        yield connection


def test_every_text_is_in_the_star_as_it_came(there: Connection[Any]) -> None:
    plays = there.execute(
        "SELECT user_id, h.title, h.artist, p.level, u.level, first_name, last_name, gender, p.location,"
        " user_agent,"
        " s.title, a.name, a.location FROM songplays p JOIN analytics.heard_plays USING (start_time,"
        " songplay_id)"
        " JOIN analytics.heard_songs h USING (heard_song_id) JOIN users u USING (user_id)"
        " JOIN songs s ON s.song_id = p.song_id JOIN artists a ON a.artist_id = p.artist_id ORDER BY user_id"
    ).fetchall()
    assert plays == [(number, *[text] * 12) for number, text in enumerate(HOSTILE)]
    ids = there.execute("SELECT song_id, artist_id FROM songplays ORDER BY user_id").fetchall()
    assert ids == [(text[:900],) * 2 for text in HOSTILE]
    assert not Path("/tmp/sparkify-was-here").exists()  # noqa: S108  named in the texts


def test_every_path_is_kept_as_it_is(there: Connection[Any], data: Path) -> None:
    paths = {path for (path,) in there.execute("SELECT path FROM etl.known_files WHERE trouble IS NULL")}
    on_disk = {os.fsencode(path) for path in data.rglob("*.json") if path.is_file()}
    escaped = {path for path in on_disk if b"\xff" in path}
    assert {path.encode() for path in paths if not path.startswith("bytes:")} == on_disk - escaped
    assert [path for path in paths if path.startswith("bytes:")] == [
        "bytes:" + path.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace") for path in escaped
    ]


def test_rejects_keep_what_stood_there(there: Connection[Any], data: Path) -> None:
    for path, line, record in there.execute(
        "SELECT path, line, record FROM etl.rejected_records JOIN etl.known_files USING (file_id) WHERE kind"
        " = 'log'"
        " AND path NOT LIKE 'bytes:%'"
    ):
        assert Path(path).read_bytes().split(b"\n")[line - 1] == record
    assert one(there, "SELECT count(*) FROM etl.rejected_records") == 5 * len(HOSTILE) + 1


COMMANDS = [
    ["status"], ["top", "songs", "--limit", "50"], ["top", "artists", "--limit", "50"],
    ["rejects", "list", "--limit", "500"], ["rejects", "show", "--limit", "500"],
    ["forget", "12345", "--dry-run"],
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_nothing_steers_the_terminal_or_passes_for_a_line(
    loaded: tuple[str, str, str], command: list[str]
) -> None:
    for said in sparkify(loaded[0], *command):
        assert not STEERS.search(said)
        assert not re.search("^sparkify: all is well", said, re.MULTILINE)


def test_markup_is_text(loaded: tuple[str, str, str]) -> None:
    said, _ = sparkify(loaded[0], "top", "songs", "--limit", "50")
    assert "[red]red[/red] [link=http://example.com]x[/link]" in said
    assert "<script>alert(1)</script>" in said
    assert ":smile:" in said
    assert "\\x1b[31mred" in said


def test_a_load_says_so_in_plain_text(loaded: tuple[str, str, str]) -> None:
    _, said, told = loaded
    assert not STEERS.search(said + told)
    assert not re.search("^sparkify: all is well", told, re.MULTILINE)
    assert f"{len(HOSTILE)} songplays" in " ".join(said.split())


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_json_gives_what_there_is(loaded: tuple[str, str, str], command: list[str]) -> None:
    said, told = sparkify(loaded[0], *command, "--json")
    assert said.isascii()
    assert told == ""
    answer = json.loads(said)
    if command[1:2] == ["songs"]:
        assert {row["title"] for row in answer} == {row["artist"] for row in answer} == set(HOSTILE)
        assert {row["song_id"] for row in answer} == {text[:900] for text in HOSTILE}


def test_a_folder_in_a_message_is_on_its_line(loaded: tuple[str, str, str]) -> None:
    for text in HOSTILE:
        said, told = sparkify(loaded[0], "etl", f"/nowhere/{text}", code=2)
        assert (said, told.count("\n")) == ("", 1)
        assert not STEERS.search(told)


def test_filters_are_values(loaded: tuple[str, str, str]) -> None:
    for text in ("'; DROP TABLE users; --", "%s", "%(path)s", "\\"):
        said, _ = sparkify(loaded[0], "rejects", "list", "--file", text)
        assert said == ""
        assert analytics.rejects(dsn=loaded[0], path=text) == []
        with pytest.raises(UsageError, match="There is no reason"):
            analytics.rejects(dsn=loaded[0], reason=text)


class _Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ARG002
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_notebook_shows_text(there: Connection[Any]) -> None:
    spec = importlib.util.spec_from_file_location("show", Path(__file__).parents[1] / "notebooks" / "show.py")
    assert spec
    assert spec.loader
    show = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(show)
    table = show.table(there.execute("SELECT user_id, title, artist FROM songplays JOIN songs USING (song_id)"
                                     " JOIN"
                                     " analytics.heard_songs USING (title) ORDER BY 1"))  # fmt: skip
    page = table._repr_html_()
    assert not STEERS.search(page)
    assert not STEERS.search(repr(table))
    parsed = _Tags(page)
    assert parsed.tags == {"table", "tr", "th", "td"}
    assert printable(HOSTILE[12])[:79] in html.unescape(page)
    assert len(repr(table).splitlines()) == len(HOSTILE) + 1
