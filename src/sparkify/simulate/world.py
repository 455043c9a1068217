"""A made-up world: the settings it depends on, and its streams of random numbers.

There is a separate stream for each purpose and day, derived from the seed. So any worker can make a day
alone, before or after its neighbours, and the result is the same.
"""

import enum
import math
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from sparkify.simulate.arrays import Floats, Ints
from sparkify.simulate.draws import Draws, in_unit

DAY_MS = 86_400_000
EPOCH = date(1970, 1, 1)
NEWCOMERS_HALF_LIFE = 365.0


class Stream(enum.IntEnum):
    """What a stream of random numbers is for. Append, never renumber: it changes what a seed means."""

    ARTISTS = 1
    SONGS = 2
    PEOPLE = 3
    SPELLS = 4
    STARTS = 5
    WALKS = 6
    DIRT_DAY = 7
    DIRT_SONGS = 8
    HABITS = 9
    LEAVING = 10
    FEEDBACK = 11


@dataclass(frozen=True)
class World:
    """The settings of a world. Equal settings produce the same songs, people and events on a day.

    `users` is the number of people on the day `opened`; a year later there are half as many more, and never
    more than twice as many. `songs` and `artists` count the catalogue; `unmatched` is the share of plays
    whose song is not in it; `dirt` is the share of plays, files and songs that are spoilt.
    """

    users: int
    songs: int
    artists: int
    seed: int
    opened: date
    unmatched: float
    dirt: float

    def draws(self, stream: Stream, *number: int) -> Draws:
        """The stream for this purpose and these numbers, such as a day or a block of people."""
        return Draws([self.seed, int(stream), *number])

    def uniform(self, stream: Stream, who: Ints, turn: Ints) -> Floats:
        """One number in [0, 1) for each (who, turn); it does not depend on the others in the call."""
        with np.errstate(over="ignore"):
            x = _mix(who.astype(np.uint64) + _mix(np.uint64(self.seed % 2**64) + np.uint64(int(stream))))
            x = _mix(x + turn.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
        return in_unit(x)

    @property
    def opened_day(self) -> int:
        """The day the service opened, in days since 1970."""
        return day_number(self.opened)

    def joined_ms(self, newcomer: Ints) -> Ints:
        """When the newcomers (0 for the first after the opening) register, in ms since 1970."""
        days = -NEWCOMERS_HALF_LIFE * np.log2(1.0 - (newcomer + 1.0) / (self.users + 1.0))
        joined: Ints = self.opened_day * DAY_MS + (days * DAY_MS).astype(np.int64)
        return joined

    def people(self, day: int) -> int:
        """How many people have registered by the beginning of this day (since 1970); 0 before the opening."""
        if day < self.opened_day:
            return 0
        grown = self.users * (1.0 - 2.0 ** (-(day - self.opened_day) / NEWCOMERS_HALF_LIFE))
        # The formula and joined_ms() may round differently: near the edge, look at the times themselves.
        near = np.arange(max(0, math.floor(grown) - 2), min(self.users, math.floor(grown) + 3))
        return self.users + int(near[0]) + int(np.count_nonzero(self.joined_ms(near) < day * DAY_MS))


def _mix(x: np.ndarray | np.uint64) -> np.ndarray:
    """Scramble 64 bits, so that close numbers end up far apart (the finaliser of splitmix64)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))


def day_number(day: date) -> int:
    """Days since 1970."""
    return (day - EPOCH).days


def date_of(day: int) -> date:
    """The date of a day counted since 1970."""
    return EPOCH + timedelta(days=day)
