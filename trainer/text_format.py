"""Numbers as people write them. A rounded number never claims what only an exact one may: nothing is "100 %" where one row is wrong.

It knows neither HTML nor sentences; plurals and lists of names are in data/wording.py.
"""

_MORE_DIGITS = 2
"""At most so many beyond the ones asked for; a share that is nearer still to 0 or 1 is "under" or "over" the last number there is."""


def percent(share: float, digits: int = 1) -> str:
    """A share in 0..1 as "90.3 %". "100.0 %" is said of 1 alone and "0.0 %" of 0 alone: 3,199 of 3,200 are "99.97 %"."""
    return f"{_rounded(100 * share, digits, 100)} %"


def percent_range(low: float, high: float, digits: int = 1) -> str:
    """The ends of an interval of shares in 0..1, as "89.1 to 91.4 %"; each is 0 or 100 only where it is so exactly."""
    return f"{_rounded(100 * low, digits, 100)} to {percent(high, digits)}"


def decimal(share: float, digits: int = 2) -> str:
    """A share in 0..1 as "0.82"; "1.00" is said of 1 alone and "0.00" of 0 alone."""
    return _rounded(share, digits, 1)


def decimal_range(low: float, high: float, digits: int = 2) -> str:
    """The ends of an interval of shares in 0..1, as "0.79–0.85"; each is 0 or 1 only where it is so exactly."""
    return f"{decimal(low, digits)}–{decimal(high, digits)}"


def points(difference: float, digits: int = 1) -> str:
    """A difference of two shares, in -1..1, in percentage points: "−4.6", with a real minus sign; "0.0" is said of no difference alone."""
    sign = "−" if difference < 0 else ""
    return sign + _rounded(100 * abs(difference), digits, 100)


def _rounded(value: float, digits: int, top: int) -> str:
    """``value`` in 0..top with as many digits as it takes not to be written as 0 or as ``top`` if it is neither."""
    if value in (0, top):
        return f"{value:.{digits}f}"
    most = digits + _MORE_DIGITS
    for places in range(digits, most + 1):
        written = f"{value:.{places}f}"
        if 0 < float(written) < top:
            return written
    nearest = 10.0**-most
    return f"under {nearest:.{most}f}" if value < top / 2 else f"over {top - nearest:.{most}f}"
