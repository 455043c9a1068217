"""Write shares for people: rounded, but never to 0% if there are some, nor to 100% if some are missing."""


def percent(part: int, whole: int, digits: int = 1) -> str | None:
    """A share in percent; None if rounding would turn it into 0% or 100%, and it is neither."""
    rounded = f"{part / max(whole, 1):.{digits}%}"
    return None if 0 < part < whole and rounded in {f"{0:.{digits}%}", f"{1:.{digits}%}"} else rounded


def share(part: int, whole: int) -> str:
    """A share in percent, or as numbers if percent would mislead: ``1 of 6,820``."""
    return percent(part, whole) or f"{part:,} of {whole:,}"


def label(part: int, whole: int) -> str:
    """A share in whole percent, short enough for a chart."""
    return percent(part, whole, 0) or ("<1%" if 2 * part < whole else ">99%")
