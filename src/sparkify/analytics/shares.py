"""Write shares for people: rounded, but never to 0% if there are some, nor to 100% if some are missing."""


def percent(part: int, whole: int, digits: int = 1) -> str | None:
    """A share in percent; None if rounding would turn it into 0% or 100%, and it is neither."""
    rounded = f"{part / max(whole, 1):.{digits}%}"
    return None if 0 < part < whole and rounded in {f"{0:.{digits}%}", f"{1:.{digits}%}"} else rounded


def share(part: int, whole: int) -> str:
    """A share in percent, or as numbers if percent would mislead: ``1 of 6,820``."""
    return percent(part, whole) or f"{part:,} of {whole:,}"


def change(now: float, before: float, digits: int = 0) -> str | None:
    """A change in percent, like ``+12%``; as a number, with so many digits after the point, if there was
    nothing before; None if there is none.

    It is never rounded to no change, nor to a loss of everything.
    """
    if now == before:
        return None
    if not before:
        return f"{now:+,.{digits}f}"
    percent = 100 * (now - before) / before
    if abs(percent) < 0.1:
        return "+<0.1%" if percent > 0 else "-<0.1%"
    if now > 0:
        percent = max(percent, -99.9)
    return f"{percent:+,.1f}%" if abs(percent) < 10 or percent < -99 < 0 < now else f"{percent:+,.0f}%"


def label(part: int, whole: int) -> str:
    """A share in whole percent, short enough for a chart."""
    return percent(part, whole, 0) or ("<1%" if 2 * part < whole else ">99%")
