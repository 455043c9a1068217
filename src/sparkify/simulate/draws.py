"""Random numbers that never change.

numpy promises that a seeded bit generator always returns the same bits, but not that its `Generator` always
turns them into the same numbers. So this module does that itself.
"""

import math
from collections.abc import Sequence

import numpy as np

from sparkify.simulate.arrays import AnyInts, Floats, Ints


class Draws:
    """A stream of random numbers; the same seeds produce the same stream."""

    def __init__(self, seeds: Sequence[int]) -> None:
        self._bits = np.random.Philox(np.random.SeedSequence(seeds))

    def uniform(self, *shape: int) -> Floats:
        """Numbers in [0, 1)."""
        return in_unit(self._bits.random_raw(math.prod(shape))).reshape(shape)

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        return int(self.uniform(1)[0] * limit)

    def chance(self, share: float) -> bool:
        """Whether a chance of this share came true."""
        return bool(self.uniform(1)[0] < share)

    def normal(self, count: int) -> Floats:
        """Normal numbers with mean 0 and standard deviation 1 (Box-Muller)."""
        first, second = self.uniform(2, count)
        deviates: Floats = np.sqrt(-2.0 * np.log1p(-first)) * np.cos(2.0 * np.pi * second)
        return deviates

    def lognormal(self, middle: float, spread: float, count: int) -> Floats:
        """Log-normal numbers with this median; `spread` is the standard deviation of their logarithms."""
        numbers: Floats = middle * np.exp(spread * self.normal(count))
        return numbers

    def exponential(self, mean: float, count: int) -> Floats:
        """Exponential numbers with this mean: times between random events."""
        times: Floats = -mean * np.log1p(-self.uniform(count))
        return times

    def poisson(self, mean: Floats, most: int) -> Ints:
        """Poisson numbers with these means, at most `most`."""
        uniform = self.uniform(len(mean))
        count = np.zeros(len(mean), np.int64)
        chance = np.exp(-mean)
        upto = chance.copy()
        for n in range(1, most + 1):
            count += uniform >= upto
            chance *= mean / n
            upto += chance
        return count

    def geometric(self, stay: Floats) -> Ints:
        """Lengths, at least 1, of runs that continue with these chances."""
        lengths: Ints = 1 + (np.log1p(-self.uniform(len(stay))) / np.log(stay)).astype(np.int64)
        return lengths

    def choices(self, upto: Floats, count: int) -> Ints:
        """Indices drawn by weight; `upto` holds the cumulative weights."""
        chosen: Ints = np.searchsorted(upto, self.uniform(count) * upto[-1], side="right")
        return np.minimum(chosen, len(upto) - 1)


def in_unit(bits: AnyInts) -> Floats:
    """Numbers in [0, 1) from 64 random bits each."""
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53
