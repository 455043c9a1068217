"""Spoil a play's line as real life does: spell names differently, or break the line."""

import json
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from sparkify.simulate.draws import Draws

_GUESTS = ["Mira Vance", "DJ Lantern", "The Otters", "Señor Río", "Kofi Okafor"]


def _case(play: dict[str, Any], draws: Draws) -> None:
    change = str.upper if draws.chance(0.5) else str.lower
    play["song"], play["artist"] = change(play["song"]), change(play["artist"])


def _accents(play: dict[str, Any], _draws: Draws) -> None:
    for key in ("song", "artist"):
        bare = "".join(c for c in unicodedata.normalize("NFD", play[key]) if not unicodedata.combining(c))
        play[key] = bare or play[key]


def _encoded_twice(play: dict[str, Any], _draws: Draws) -> None:
    for key in ("song", "artist"):
        play[key] = play[key].encode().decode("latin-1")


def _featuring(play: dict[str, Any], draws: Draws) -> None:
    play["artist"] += f" feat. {_GUESTS[draws.below(len(_GUESTS))]}"


def _live(play: dict[str, Any], _draws: Draws) -> None:
    play["song"] += " (Live)"


def _remastered(play: dict[str, Any], draws: Draws) -> None:
    play["song"] += f" - Remastered {2005 + draws.below(14)}"


def _length(play: dict[str, Any], draws: Draws) -> None:
    off = (0.001 + 1.999 * draws.uniform(1)[0]) * (1 if draws.chance(0.5) else -1)
    play["length"] = round(play["length"] + off, 5)


# The play still loads, but differs from the catalogue.
NAMES: dict[str, Callable[[dict[str, Any], Draws], None]] = {
    "case": _case,
    "accents": _accents,
    "encoded twice": _encoded_twice,
    "featuring": _featuring,
    "live": _live,
    "remastered": _remastered,
    "length": _length,
}


_ACCENTS = ["accents", "encoded twice"]
_OTHERS = [what for what in NAMES if what not in _ACCENTS]


def other_names(line: bytes, draws: Draws) -> tuple[bytes, str]:
    """Change a line by one of NAMES; returns the changed line, which always differs, and the name."""
    play = json.loads(line)
    accented = not (play["song"] + play["artist"]).isascii()
    kinds = _ACCENTS if accented and draws.chance(0.7) else _OTHERS
    what = kinds[draws.below(len(kinds))]
    NAMES[what](play, draws)
    if (changed := _written(play)) == line:  # for example, a name without letters has no case
        what = "live"
        NAMES[what](play, draws)
        changed = _written(play)
    return changed, what


def _written(play: dict[str, Any]) -> bytes:
    return json.dumps(play, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/").encode()


def _value(key: str, value: bytes) -> Callable[[bytes, Draws], bytes]:
    """A function that replaces a number or a string of digits."""
    pattern = re.compile(rb'("%s":)("?)([-0-9.]+)"?' % key.encode())
    return lambda line, _draws: pattern.sub(lambda m: m[1] + value.replace(b"#", m[3]), line, count=1)


def _without(key: str) -> Callable[[bytes, Draws], bytes]:
    pattern = re.compile(rb'"%s":("[^"]*"|[-0-9.]+),' % key.encode())
    return lambda line, _draws: pattern.sub(b"", line, count=1)


def _in_song(extra: bytes) -> Callable[[bytes, Draws], bytes]:
    """A function that puts bytes at the beginning of the song's name."""
    return lambda line, _draws: line.replace(b',"song":"', b',"song":"' + extra, 1)


def _song(value: bytes) -> Callable[[bytes, Draws], bytes]:
    pattern = re.compile(rb',"song":"(?:[^"\\]|\\.)*"')
    return lambda line, _draws: pattern.sub(b',"song":' + value, line, count=1)


# The line is neither a valid play nor an event of another page: a loader must reject it.
BROKEN: dict[str, Callable[[bytes, Draws], bytes]] = {
    "torn": lambda line, draws: line[: 1 + draws.below(len(line) - 1)],
    "beginning lost": lambda line, draws: line[1 + draws.below(len(line) - 1) :],
    "two torn into one": lambda line, draws: line[: 1 + draws.below(len(line) - 1)] + line,
    "trailing comma": lambda line, _draws: line[:-1] + b",}",
    "key twice": lambda line, _draws: b'{"page":"NextSong",' + line[1:],
    "in a list": lambda line, _draws: b"[" + line + b"]",
    "not JSON": lambda _line, _draws: b"-- log rotated --",
    "control character": _in_song(b"\t"),
    "null character": _in_song(b"\\u0000"),
    "lone surrogate": _in_song(b"\\ud83d"),
    "not UTF-8": _in_song(b"\xff"),
    "no song": _song(b'""'),
    "song null": _song(b"null"),
    "song a number": _song(b"7"),
    "length NaN": _value("length", b"NaN"),
    "length zero": _value("length", b"0"),
    "length below zero": _value("length", b"-#"),
    "length a string": _value("length", b'"#"'),
    "ts a string": _value("ts", b'"#"'),
    "ts in microseconds": _value("ts", b"#000"),
    "item not whole": _value("itemInSession", b"#.5"),
    "no session": _without("sessionId"),
    "session a string": _value("sessionId", b'"#"'),
    "no user": _value("userId", b'""'),
    "user a word": _value("userId", b'"user #"'),
    "no level": _without("level"),
    "no page": _without("page"),
}
