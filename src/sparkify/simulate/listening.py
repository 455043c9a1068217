"""Choose the songs that are played: by favourite artists, current hits, or any."""

import numpy as np

from sparkify.simulate.arrays import AnyInts, Floats, Ints
from sparkify.simulate.catalogue import Catalogue
from sparkify.simulate.draws import Draws
from sparkify.simulate.people import FAVOURITES, People
from sparkify.simulate.world import World

_FAVOURITE = 0.10  # share of the catalogue's plays that are of a favourite artist
_ONE_HIT_IN = 100  # songs
_HIT_RETURNS = 730  # days; in a year, about half the hits come up
_HIT_PEAKS = 55.0  # times the plays of an ordinary day
_HIT_RISES, _HIT_FADES = 4.0, 18.0  # days


class Listening:
    """Draws songs. Popularity has a long tail; hits rise within days and fade over weeks."""

    def __init__(self, world: World, catalogue: Catalogue, people: People) -> None:
        self._unmatched = world.unmatched
        self._catalogue = catalogue
        self._people = people
        self._fame = catalogue.fame
        songs = np.arange(len(catalogue.fame))
        self._hits = songs[songs % _ONE_HIT_IN == 0]
        # Spread evenly over the two years, without random numbers: multiples of an irrational number.
        self._peak = (self._hits * 0.6180339887 % 1.0) * _HIT_RETURNS

    def limits(self, day: int) -> Floats:
        """The cumulative popularity of the songs on this day, catalogue first."""
        age = (day - self._peak + _HIT_RETURNS / 2) % _HIT_RETURNS - _HIT_RETURNS / 2
        fame = self._fame.copy()
        fame[self._hits] *= 1.0 + _HIT_PEAKS * np.exp(np.where(age < 0, age / _HIT_RISES, -age / _HIT_FADES))
        limits: Floats = np.cumsum(fame)
        return limits

    def songs(self, draws: Draws, limits: Floats, person: Ints) -> AnyInts:
        """Draw one song for each play of these people."""
        known = self._catalogue.known
        kind, pick, twist = draws.uniform(3, len(person))
        outside = kind < self._unmatched
        edge = limits[known - 1]
        low, high = np.where(outside, edge, 0.0), np.where(outside, limits[-1], edge)
        song = np.searchsorted(limits, low + pick * (high - low), side="right")
        song = np.minimum(song, np.where(outside, len(limits) - 1, known - 1))
        loyal = np.flatnonzero(kind >= 1.0 - _FAVOURITE * (1.0 - self._unmatched))
        # Six favourites: the first is drawn about five times as often as the last. So are an artist's songs.
        nth = (pick[loyal] ** 2 * FAVOURITES).astype(np.int64)
        artist = self._people.favourites[person[loyal], nth]
        first = self._catalogue.first_song
        song[loyal] = first[artist] + (twist[loyal] ** 2 * (first[artist + 1] - first[artist])).astype(
            np.int64
        )
        chosen: AnyInts = song.astype(np.int32)
        return chosen
