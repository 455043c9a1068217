"""When the sessions of a day begin."""

from dataclasses import dataclass

import numpy as np

from sparkify.simulate.arrays import Bools, Floats, Ints
from sparkify.simulate.people import BLOCK, Levels, People
from sparkify.simulate.world import DAY_MS, Stream, World

# A person's sessions by weekday, from Monday, relative to the average day.
_WEEKDAYS = np.array([1.12, 1.20, 1.48, 1.01, 1.16, 0.70, 0.42])
# The weight of each hour, UTC, for sessions that do not begin near the person's own hour.
_HOURS = np.array(
    [19, 18, 17, 17, 21, 32, 44, 44, 46, 57, 60, 58, 54, 66, 78, 90, 82, 66, 54, 43, 36, 31, 25, 21], float
)
_OWN_HOUR = 0.5  # share of sessions near the person's own hour
_OWN_SPREAD = 3.0  # hours
_MOST_A_DAY = 6
_APART_MS = 60 * 60_000  # a session that begins sooner than this after the one before is dropped
# A person who changes level or leaves begins in this part of the day, to have time for it.
_EARLY = 2 / 3


@dataclass
class Starts:
    """The sessions that begin on a day, ordered by person, then time."""

    person: Ints
    ms: Ints  # since 1970
    paid: Bools  # level at the beginning
    changing: Bools  # whether the level changes in this session
    leaving: Bools  # whether the person cancels in this session, which is their last

    def first_of(self, people: int) -> Ints:
        """When each person's first session begins; far in the future for people without one."""
        first = np.full(people, np.iinfo(np.int64).max)
        np.minimum.at(first, self.person, self.ms)
        return first


def starts_on(world: World, people: People, levels: Levels, day: int) -> Starts:
    """All sessions that begin on the day. Ask for days in order: `levels` advances with them."""
    changing = levels.advance(day) & (day < people.leaves)
    leaving = people.leaves == day
    registered = world.people(day)
    blocks = [
        _draw(world, people, changing | leaving, day=day, first=first, last=min(first + BLOCK, registered))
        for first in range(0, registered, BLOCK)
    ]
    person = np.concatenate([p for p, _ in blocks]) if blocks else np.empty(0, np.int64)
    ms = np.concatenate([m for _, m in blocks]) if blocks else np.empty(0, np.int64)
    return Starts(person, ms, levels.paid[person], changing[person], leaving[person])


def _draw(world: World, people: People, busy: Bools, *, day: int, first: int, last: int) -> tuple[Ints, Ints]:
    draws = world.draws(Stream.STARTS, day, first // BLOCK)
    weekday = (day + 3) % 7  # 1970 began on a Thursday
    who = slice(first, last)
    expected = people.rate[who] * _WEEKDAYS[weekday] * np.where(people.weekday[who] == weekday, 1.6, 0.9)
    count = draws.poisson(expected, _MOST_A_DAY)
    count[busy[who]] = 1
    count[people.leaves[who] < day] = 0
    person = first + np.repeat(np.arange(last - first), count)
    own = (people.peak[person] + _OWN_SPREAD * draws.normal(len(person))) % 24.0
    hour = np.where(draws.uniform(len(person)) < _OWN_HOUR, own, _any_hour(draws.uniform(len(person))))
    hour = np.where(busy[person], hour * _EARLY, hour)
    ms = day * DAY_MS + np.minimum((hour * 3_600_000).astype(np.int64), DAY_MS - 1)
    order = np.lexsort((ms, person))
    person, ms = person[order], ms[order]
    apart = np.ones(len(person), np.bool_)
    apart[1:] = (person[1:] != person[:-1]) | (ms[1:] - ms[:-1] > _APART_MS)
    return person[apart], ms[apart]


def _any_hour(uniform: Floats) -> Floats:
    upto = np.concatenate([[0.0], np.cumsum(_HOURS)])
    hour: Floats = np.interp(uniform * upto[-1], upto, np.arange(25.0))
    return hour
