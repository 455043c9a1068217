"""Write docs/images/flow.svg, the picture of the README: the steps of a load, and the star with its columns.

    python docs/make_picture.py

The columns are those of the statements in `sparkify.sql_queries`; everything else is drawn here.
"""

# ruff: noqa: INP001  a script, not part of a package

import re
from pathlib import Path
from typing import Final

from sparkify.sql_queries import create_table_queries

FILE: Final = Path(__file__).parent / "images" / "flow.svg"

_TABLE: Final = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+) \(\n(.*?)\n\)", re.DOTALL)
_COLUMN: Final = re.compile(r"^ +([a-z_]+) ", re.MULTILINE)

_HEAD: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 478" role="img" aria-labelledby="title text">
<title id="title">How two folders of JSON become the star schema</title>
<desc id="text">Song and log files go through plan, extract, transform, stage and publish into the star.
Songplays refers to users, songs, artists and time. Rejected lines are set aside.</desc>
<style>
svg { font: 12px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif }
.page { fill: #ffffff } .box { fill: #f6f8fa; stroke: #8c959f } .aside { fill: #fff4e5; stroke: #d08a2e }
.line { fill: none; stroke: #57606a; stroke-width: 1.4; marker-end: url(#tip) }
.tip { fill: #57606a } .head { fill: #1f6f8b }
text { fill: #1f2328 } .small { fill: #57606a; font-size: 11px } .name { fill: #ffffff; font-weight: 600 }
.strong { font-weight: 600; font-size: 13px }
.mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 11.5px }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117 } .box { fill: #161b22; stroke: #6e7681 } .aside { fill: #2d2112 }
text { fill: #e6edf3 } .small { fill: #9198a1 } .name { fill: #ffffff }
.line { stroke: #9198a1 } .tip { fill: #9198a1 }
}
</style>
<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">\
<path class="tip" d="M0 0 8 4 0 8z"/></marker>
<rect class="page" width="900" height="478" rx="8"/>
"""

_FOLDERS: Final = ((16, "song_data/", "the songs of the app"), (72, "log_data/", "what its users did"))
_STEPS: Final = (
    ("plan", "which files", "are new"),
    ("extract", "whole lines,", "in chunks"),
    ("transform", "judge each line,", "compute rows"),
    ("stage", "COPY; a batch is", "one transaction"),
    ("publish", "a month becomes", "visible at once"),
)
_BESIDE: Final = (
    (166, "set aside", "each line that is not valid,", "with file, line number, reason and text"),
    (246, "beside the star", "what each play heard, and which line of", "which file it came from"),
    (326, "rollups", "plays and listeners, already counted:", "top songs, trends, retention, devices"),
)
_PLACES: Final = {
    "users": (300, 166, 120),
    "songs": (300, 304, 120),
    "songplays": (500, 200, 132),
    "time": (716, 160, 120),
    "artists": (716, 326, 120),
}
"""Left edge, upper edge and width of each table."""


def picture() -> str:
    """The picture as SVG."""
    star = {name: _COLUMN.findall(body) for name, body in _TABLE.findall("\n".join(create_table_queries))}
    parts = [_folder(*folder) for folder in _FOLDERS]
    parts += [_step(190 + 141 * number, *step) for number, step in enumerate(_STEPS)]
    parts += [_beside(*box) for box in _BESIDE]
    parts += [_table(name, star[name]) for name in _PLACES]
    parts += [_line(way) for way in _ways(star)]
    parts += [_text(142, 148, "rejected lines", "small"), _text(578, 148, "valid lines", "small")]
    return _HEAD + "\n".join(parts) + "\n</svg>\n"


def _folder(y: int, name: str, holds: str) -> str:
    return _box(16, y, 142, 46) + _text(28, y + 19, name, "strong mono") + _text(28, y + 36, holds, "small")


def _step(x: int, name: str, *says: str) -> str:
    lines = "".join(_text(x + 12, 72 + 16 * at, line, "small") for at, line in enumerate(says))
    arrow = _line(f"M{160 if x == 190 else x - 14} 67H{x - 2}")
    return arrow + _box(x, 30, 126, 74) + _text(x + 12, 52, name, "strong") + lines


def _beside(y: int, name: str, *says: str) -> str:
    kind = "aside" if name == "set aside" else "box"
    lines = "".join(_text(28, y + 38 + 15 * at, line, "small") for at, line in enumerate(says))
    return _box(16, y, 238, 62, kind) + _text(28, y + 20, name, "strong") + lines


def _table(name: str, columns: list[str]) -> str:
    x, y, width = _PLACES[name]
    head = f'<path class="head" d="M{x} {y + 22}v-17q0-5 5-5h{width - 10}q5 0 5 5v17z"/>'
    rows = "".join(_text(x + 10, y + 38 + 16 * at, column, "mono") for at, column in enumerate(columns))
    title = _text(x + 10, y + 15, name, "name mono")
    return f'<g id="{name}">{_box(x, y, width, 30 + 16 * len(columns))}{head}{title}{rows}</g>'


def _ways(star: dict[str, list[str]]) -> list[str]:
    """The foreign keys of the star, and how lines come to it or are set aside."""

    def row(table: str, column: str) -> int:
        return _PLACES[table][1] + 34 + 16 * star[table].index(column)

    artist = row("artists", "artist_id")
    return [
        f"M500 {row('songplays', 'user_id')}H460V{row('users', 'user_id')}H422",
        f"M500 {row('songplays', 'song_id')}H460V{row('songs', 'song_id')}H422",
        f"M632 {row('songplays', 'start_time')}H676V{row('time', 'start_time')}H714",
        f"M632 {row('songplays', 'artist_id')}H676V{artist}H714",
        f"M420 {row('songs', 'artist_id')}H440V450H690V{artist + 5}H714",
        "M817 106V132H566V198",
        "M535 106V132H130V164",
    ]


def _box(x: int, y: int, width: int, height: int, kind: str = "box") -> str:
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="5"/>'


def _text(x: int, y: int, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{text}</text>'


def _line(way: str) -> str:
    return f'<path class="line" d="{way}"/>'


if __name__ == "__main__":
    FILE.write_text(picture(), encoding="utf-8")
