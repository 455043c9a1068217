"""The songs: those in the catalogue, and others that people play although it lacks them."""

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
SONGS_A_FOLDER = 40  # each pack has its own 250 folders; after 70 packs the 26**3 names repeat


@dataclass(frozen=True)
class Catalogue:
    """All songs, numbered so that an artist's songs are consecutive; the first `known` are in the catalogue.

    Songs from `known` on have other artists, whose names the catalogue lacks, so their plays never match.
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
    fame: Floats  # by song, its weight in the plays of an ordinary day

    @cached_property
    def duration_texts(self) -> list[str]:
        """The duration of each song as JSON; song files and logs have the same token."""
        return [repr(d) for d in self.durations.tolist()]

    @cached_property
    def song_ids(self) -> list[str]:
        """The id of each song of the catalogue, like SOZCTXZ12AB0182364."""
        number = np.arange(self.known)
        letters = _digits(_scatter(number, 26**5), 26, 5)
        return _texts(b"SO", _LETTERS[letters], b"12A", _HEX[_digits(_scatter(number + 7, 16**8), 16, 8)])

    @cached_property
    def track_ids(self) -> list[str]:
        """The file of each song of the catalogue, like TRABBNP128F932546F; letters 3 to 5 name its
        folders."""
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
        """The id of each artist of the catalogue, like AR5KOSW1187FB35FF4."""
        number = np.arange(self.known_artists)
        middle = _LETTERS[_digits(_scatter(number, 36**5), 36, 5)]
        return _texts(b"AR", middle, b"1187", _HEX[_digits(_scatter(number + 1, 16**7), 16, 7)])


def catalogue_of(world: World) -> Catalogue:
    """The world's songs. They depend only on its seed and its numbers of songs and artists."""
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
    r"""A string as JSON in the style of the real logs: non-ASCII characters as they are, and `/` as `\/`."""
    return encode_basestring(text).replace("/", "\\/")


def _share_out(draws: Draws, songs: int, renown: Floats) -> Ints:
    """How many songs each artist has: at least one, and more if renowned."""
    more = draws.choices(np.cumsum(renown), songs - len(renown))
    return 1 + np.bincount(more, minlength=len(renown))


def _distinct(names: pa.Array) -> pa.Array:
    """Number repeated names. No form of name ends in a digit, so all names are then distinct."""
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
    """Map different numbers below `size` to different numbers below `size` that do not look sequential."""
    step = int(size * 0.6180339887) | 1
    while math.gcd(step, size) != 1:
        step += 2
    return (number.astype(np.int64) * step + size // 3) % size


def _digits(number: Ints, base: int, count: int) -> Ints:
    """The last `count` digits of each number, one row a number."""
    return (number[:, None] // base ** np.arange(count - 1, -1, -1)) % base


def _texts(*parts: bytes | AnyInts) -> list[str]:
    """Join columns of characters, some the same in all rows, to one string per row."""
    rows = next(len(p) for p in parts if not isinstance(p, bytes))
    columns = [np.tile(np.frombuffer(p, np.uint8), (rows, 1)) if isinstance(p, bytes) else p for p in parts]
    table = np.ascontiguousarray(np.hstack(columns))
    flat = table.tobytes().decode("ascii")
    width = table.shape[1]
    return [flat[i : i + width] for i in range(0, len(flat), width)]
