"""Shares as people read them: rounded, but what is there is never rounded to nothing, nor what is missing to all."""


def percent(part: int, whole: int, digits: int = 1) -> str | None:
    """A share in percent; None where it is neither none nor all and rounding would say that it is."""
    rounded = f"{part / max(whole, 1):.{digits}%}"
    return None if 0 < part < whole and rounded in {f"{0:.{digits}%}", f"{1:.{digits}%}"} else rounded


def share(part: int, whole: int) -> str:
    """A share in percent, or as numbers where percent would lie: ``1 of 6,820``."""
    return percent(part, whole) or f"{part:,} of {whole:,}"


def label(part: int, whole: int) -> str:
    """A share in whole percent, in as few characters as a picture has room for."""
    return percent(part, whole, 0) or ("<1%" if 2 * part < whole else ">99%")
