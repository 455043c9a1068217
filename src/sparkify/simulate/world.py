"""What a made-up Sparkify depends on, and the random streams drawn from it.

Nothing here is drawn in sequence from one source: each thing has a stream of its own, named by the seed, what it is for
and the day. So a day can be made alone, by any worker, before or after its neighbours, and comes out the same.
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
    """What a stream of random numbers is for. The numbers are part of what a seed means: append, never renumber."""

    ARTISTS = 1
    SONGS = 2
    PEOPLE = 3
    SPELLS = 4
    STARTS = 5
    WALKS = 6
    DIRT_DAY = 7
    DIRT_SONGS = 8
    HABITS = 9


@dataclass(frozen=True)
class World:
    """A made-up Sparkify: equal worlds have the same songs and people, and the same events on the same day.

    `users` counts the people on the day `opened`; half as many again have joined a year later, never more than twice
    as many. `songs` and `artists` are the catalogue's; `unmatched` is the share of plays of songs that are not in it.
    `dirt` is the share of play lines, files and songs that something happens to.
    """

    users: int
    songs: int
    artists: int
    seed: int
    opened: date
    unmatched: float
    dirt: float

    def draws(self, stream: Stream, *number: int) -> Draws:
        """The stream of random numbers for this purpose and these numbers (a day, a block of people)."""
        return Draws([self.seed, int(stream), *number])

    def uniform(self, stream: Stream, who: Ints, turn: Ints) -> Floats:
        """One number in [0, 1) for each (who, turn): the same whenever and with whomever it is asked for."""
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
        """How many people have registered when that day (since 1970) begins; 0 before the opening."""
        if day < self.opened_day:
            return 0
        grown = self.users * (1.0 - 2.0 ** (-(day - self.opened_day) / NEWCOMERS_HALF_LIFE))
        # The formula and joined_ms() may round apart at the edge: look at the times themselves near it.
        near = np.arange(max(0, math.floor(grown) - 2), min(self.users, math.floor(grown) + 3))
        return self.users + int(near[0]) + int(np.count_nonzero(self.joined_ms(near) < day * DAY_MS))


def _mix(x: np.ndarray | np.uint64) -> np.ndarray:
    """Scramble 64 bits so that near numbers come out far apart (the finaliser of splitmix64)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))


def day_number(day: date) -> int:
    """Days since 1970."""
    return (day - EPOCH).days


def date_of(day: int) -> date:
    """The date of a day counted since 1970."""
    return EPOCH + timedelta(days=day)
