"""The songs: those of the catalogue, and others that people play although the catalogue lacks them."""

import math
from dataclasses import dataclass
from functools import cached_property
from json.encoder import encode_basestring

import numpy as np
import pyarrow as pa

from sparkify.simulate.arrays import AnyInts, Floats, Ints
from sparkify.simulate.draws import Draws
from sparkify.simulate.fragments import Phrases
from sparkify.simulate.places import HOMES
from sparkify.simulate.words import ARTIST_FORMS, TITLE_FORMS
from sparkify.simulate.world import Stream, World

_LETTERS = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", np.uint8)
_HEX = np.frombuffer(b"0123456789ABCDEF", np.uint8)
_FEWEST_OUTSIDE = 20_000
SONGS_A_PACK = 10_000
SONGS_A_FOLDER = 40  # a pack has 250 folders of its own; after 70 packs the 26**3 names begin again


@dataclass(frozen=True)
class Catalogue:
    """All songs, numbered so that an artist's songs follow each other; the first `known` are in the catalogue.

    Songs from `known` on are of other artists, whose names differ from all of the catalogue's: no play of one matches.
    """

    known: int
    artists: pa.Array  # names, by artist
    titles: pa.Array  # by song
    durations: Floats  # seconds, by song
    years: AnyInts  # by song; 0 is unknown
    artist_of: AnyInts  # by song
    first_song: Ints  # by artist, one more for the end
    known_artists: int
    homes: AnyInts  # by artist, into places.HOMES; -1 is unknown
    fame: Floats  # by song, the weight of being played on an ordinary day

    @cached_property
    def duration_texts(self) -> list[str]:
        """By song, the duration as JSON; the same token in the song file and in the logs."""
        return [repr(d) for d in self.durations.tolist()]

    @cached_property
    def song_ids(self) -> list[str]:
        """By song of the catalogue, like SOZCTXZ12AB0182364."""
        number = np.arange(self.known)
        letters = _digits(_scatter(number, 26**5), 26, 5)
        return _texts(b"SO", _LETTERS[letters], b"12A", _HEX[_digits(_scatter(number + 7, 16**8), 16, 8)])

    @cached_property
    def track_ids(self) -> list[str]:
        """By song of the catalogue, like TRABBNP128F932546F: the name of its file; letters 3 to 5 are its folders."""
        number = np.arange(self.known)
        size = min(self.known, SONGS_A_PACK)
        nth = (
            number // size * (SONGS_A_PACK // SONGS_A_FOLDER)
            + _scatter(number % size, size) // SONGS_A_FOLDER
        )
        folder = _digits(nth % 26**3, 26, 3)
        letters = _digits(_scatter(number + 3, 26**2), 26, 2)
        hexes = _HEX[_digits(_scatter(number, 16**7), 16, 7)]
        return _texts(b"TR", np.hstack([_LETTERS[folder], _LETTERS[letters]]), b"128F", hexes)

    @cached_property
    def artist_ids(self) -> list[str]:
        """By artist of the catalogue, like AR5KOSW1187FB35FF4."""
        number = np.arange(self.known_artists)
        middle = _LETTERS[_digits(_scatter(number, 36**5), 36, 5)]
        return _texts(b"AR", middle, b"1187", _HEX[_digits(_scatter(number + 1, 16**7), 16, 7)])


def catalogue_of(world: World) -> Catalogue:
    """The world's songs; a function of its seed and its numbers of songs and artists alone."""
    outside = max(world.songs, _FEWEST_OUTSIDE)
    strangers = max(1, outside * world.artists // world.songs)
    draws = world.draws(Stream.ARTISTS)
    count = world.artists + strangers
    artists = _distinct(Phrases(ARTIST_FORMS).draw(draws, count))
    homes = np.where(draws.uniform(count) < 0.6, (draws.uniform(count) * len(HOMES)).astype(np.int64), -1)
    renown = draws.lognormal(1.0, 0.9, count)
    sizes = np.concatenate(
        [
            _share_out(draws, world.songs, renown[: world.artists]),
            _share_out(draws, outside, renown[world.artists :]),
        ]
    )
    songs = world.songs + outside

    draws = world.draws(Stream.SONGS)
    titles = Phrases(TITLE_FORMS).draw(draws, songs)
    usual, unusual = draws.lognormal(234.0, 0.24, songs), draws.lognormal(235.0, 0.60, songs)
    durations = np.where(draws.uniform(songs) < 0.82, usual, unusual).clip(15, 2600)
    years = np.where(draws.uniform(songs) < 0.57, 0, np.maximum(1955, 2010 - draws.exponential(9.0, songs)))
    artist_of = np.repeat(np.arange(count), sizes)
    fame = draws.lognormal(1.0, 0.3, songs) * renown[artist_of] ** 0.2
    return Catalogue(
        known=world.songs,
        artists=artists,
        titles=titles,
        durations=np.round(durations, 5),
        years=years.astype(np.int32),
        artist_of=artist_of.astype(np.int32),
        first_song=np.concatenate([[0], np.cumsum(sizes)]),
        known_artists=world.artists,
        homes=homes,
        fame=fame,
    )


def log_text(text: str) -> str:
    r"""A string as the real logs write it in JSON: not ASCII only, and with `/` as `\/`."""
    return encode_basestring(text).replace("/", "\\/")


def _share_out(draws: Draws, songs: int, renown: Floats) -> Ints:
    """How many of the songs each artist has: at least one each, the renowned more."""
    more = draws.choices(np.cumsum(renown), songs - len(renown))
    return 1 + np.bincount(more, minlength=len(renown))


def _distinct(names: pa.Array) -> pa.Array:
    """The names, the second and later of the same name numbered. No form of name ends in a digit, so this settles it."""
    codes = names.dictionary_encode().indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    nth = np.empty(len(codes), np.int64)
    nth[order] = np.arange(len(codes)) - np.repeat(begins, np.diff(np.append(begins, len(codes))))
    return pa.array(
        [f"{name} {n + 1}" if n else name for name, n in zip(names.to_pylist(), nth.tolist(), strict=True)],
        pa.large_string(),
    )


def _scatter(number: AnyInts, size: int) -> Ints:
    """Numbers below `size`, different for different numbers below `size`, that do not look counted."""
    step = int(size * 0.6180339887) | 1
    while math.gcd(step, size) != 1:
        step += 2
    return (number.astype(np.int64) * step + size // 3) % size


def _digits(number: Ints, base: int, count: int) -> Ints:
    """The last `count` digits of each number, one row a number."""
    return (number[:, None] // base ** np.arange(count - 1, -1, -1)) % base


def _texts(*parts: bytes | AnyInts) -> list[str]:
    """Rows of characters, some columns the same for all, as strings."""
    rows = next(len(p) for p in parts if not isinstance(p, bytes))
    columns = [np.tile(np.frombuffer(p, np.uint8), (rows, 1)) if isinstance(p, bytes) else p for p in parts]
    table = np.ascontiguousarray(np.hstack(columns))
    flat = table.tobytes().decode("ascii")
    width = table.shape[1]
    return [flat[i : i + width] for i in range(0, len(flat), width)]
