# SPDX-License-Identifier: MIT
"""The functions of C for dates, which Emscripten leaves to its host. The time zone is UTC.

The zone of the host is not the guest's business, and with UTC a guest computes the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from ...wasi.sources import REALTIME, time_of
from ._runtime import text_at

if TYPE_CHECKING:
    from ._program import Emscripten
    from ._signatures import Entry

_DAY = 86_400  # seconds
_ERA = 146_097  # days of 400 years
_TO_EPOCH = 719_468  # days from 1 March of the year 0 to 1 January 1970
_OVERFLOW = 1  # anything but 0: the C library sets errno itself
_MAX_I32 = (1 << 31) - 1
_TM = Struct("<10i")  # struct tm, up to tm_gmtoff
_TM_READ = Struct("<9i")
_TIME = Struct("<q")
_OLD_TIME = Struct("<i")
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


class Date(NamedTuple):
    """The members of struct tm: `month` counts from 0, and `year` from 1900."""

    second: int
    minute: int
    hour: int
    day: int
    month: int
    year: int
    weekday: int
    yearday: int
    summer: int = 0


def date_of(seconds: int) -> Date:
    """Returns the date that is so many seconds after the beginning of 1970, in UTC."""
    days, rest = divmod(seconds, _DAY)
    # Years are counted from March, so that the day that some years have more is the last one.
    era, day = divmod(days + _TO_EPOCH, _ERA)
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    month_day = day - (153 * month + 2) // 5 + 1
    civil_month = (month + 2) % 12
    civil_year = era * 400 + year + (civil_month < 2)
    yearday = days - days_before(civil_year, 0)
    return Date(
        rest % 60,
        rest // 60 % 60,
        rest // 3600,
        month_day,
        civil_month,
        civil_year - 1900,
        (days + 4) % 7,
        yearday,
    )


def days_before(year: int, month: int) -> int:
    """Returns how many days lie between 1970 and the first day of a month, which counts from 0."""
    year += month // 12
    month %= 12
    if month < 2:
        year -= 1
    of_year = (153 * ((month - 2) % 12) + 2) // 5
    return 365 * year + year // 4 - year // 100 + year // 400 + of_year - _TO_EPOCH


def _put_date(program: Emscripten, seconds: int, tm: int) -> int:
    date = date_of(seconds)
    memory = program.wasi.memory
    memory.check(tm, _TM.size)
    if abs(date.year) > _MAX_I32:
        return _OVERFLOW
    memory.write(tm, _TM.pack(*date, 0))
    return 0


def _signed(seconds: int) -> int:
    return seconds - ((seconds >> 63) << 64)


def _date(program: Emscripten, seconds: int, tm: int) -> int:
    return _put_date(program, _signed(seconds), tm)


def _date_silently(program: Emscripten, seconds: int, tm: int) -> None:
    _date(program, seconds, tm)


def _date_at(program: Emscripten, time: int, tm: int) -> None:
    """Is the form of older versions: the address of the time is given.

    The oldest of them, which import time() from their host, have 32 bits for it.
    """
    memory = program.wasi.memory
    seconds: int = _OLD_TIME.unpack(memory.span(time, _OLD_TIME.size))[0]
    if not program.is_old and "time" not in program.imported:
        seconds = _TIME.unpack(memory.span(time, _TIME.size))[0]
    _put_date(program, seconds, tm)


def _now(program: Emscripten, result: int) -> int:
    seconds = time_of(program.wasi.clock, REALTIME) // 1_000_000_000
    if result:
        program.wasi.memory.put_u32(result, seconds & 0xFFFFFFFF)
    return seconds & 0xFFFFFFFF


def _seconds_at(program: Emscripten, tm: int) -> int:
    """Returns the time that a struct tm names, and sets its members into their ranges; or -1."""
    span = program.wasi.memory.span(tm, _TM_READ.size)
    second, minute, hour, day, month, year, *_ = _TM_READ.unpack(span)
    days = days_before(year + 1900, month) + day - 1
    seconds = days * _DAY + hour * 3600 + minute * 60 + second
    return -1 if _put_date(program, seconds, tm) else seconds


def _seconds_in_32_bits(program: Emscripten, tm: int) -> int:
    seconds = _seconds_at(program, tm)
    return seconds if -_MAX_I32 <= seconds <= _MAX_I32 else -1


def _set_zone(program: Emscripten, offset: int, summer: int, *names: int) -> None:
    memory = program.wasi.memory
    memory.put_u32(offset, 0)
    memory.put_u32(summer, 0)
    if len(names) == 1:  # older: the address of two pointers to texts, which the host allocates
        for i in (0, 4):
            memory.put_u32(names[0] + i, program.new_text("UTC"))
        return
    for name in names:
        memory.write(name, b"UTC\0")


# ---- strftime ----


def _hour_of_12(date: Date) -> int:
    return date.hour % 12 or 12


def _week(date: Date, first: int) -> int:
    """Returns the number of the week in the year, whose weeks begin at a day of the week."""
    return (date.yearday + 7 - (date.weekday - first) % 7) // 7


def _iso_week(date: Date) -> tuple[int, int]:
    """Returns the year and the week of ISO 8601, in which the first week has 4 January."""
    year = date.year + 1900
    week = (date.yearday + 11 - (date.weekday or 7)) // 7
    if week < 1:
        return year - 1, _weeks(year - 1)
    if week > _weeks(year):
        return year + 1, 1
    return year, week


def _weeks(year: int) -> int:
    first = (days_before(year, 0) + 4) % 7
    leap = days_before(year + 1, 0) - days_before(year, 0) == 366
    return 53 if first == 4 or (leap and first == 3) else 52


def _name(names: tuple[str, ...], index: int) -> str:
    return names[index] if 0 <= index < len(names) else "?"


_CONVERSIONS: dict[str, Callable[[Date], str]] = {
    "a": lambda d: _name(_DAYS, d.weekday)[:3],
    "A": lambda d: _name(_DAYS, d.weekday),
    "b": lambda d: _name(_MONTHS, d.month)[:3],
    "h": lambda d: _name(_MONTHS, d.month)[:3],
    "B": lambda d: _name(_MONTHS, d.month),
    "C": lambda d: f"{(d.year + 1900) // 100:02}",
    "d": lambda d: f"{d.day:02}",
    "e": lambda d: f"{d.day:2}",
    "g": lambda d: f"{_iso_week(d)[0] % 100:02}",
    "G": lambda d: f"{_iso_week(d)[0]}",
    "H": lambda d: f"{d.hour:02}",
    "I": lambda d: f"{_hour_of_12(d):02}",
    "j": lambda d: f"{d.yearday + 1:03}",
    "m": lambda d: f"{d.month + 1:02}",
    "M": lambda d: f"{d.minute:02}",
    "n": lambda d: "\n",
    "p": lambda d: "AM" if d.hour < 12 else "PM",
    "s": lambda d: str(_instant(d)),
    "S": lambda d: f"{d.second:02}",
    "t": lambda d: "\t",
    "u": lambda d: str(d.weekday or 7),
    "U": lambda d: f"{_week(d, 0):02}",
    "V": lambda d: f"{_iso_week(d)[1]:02}",
    "w": lambda d: str(d.weekday),
    "W": lambda d: f"{_week(d, 1):02}",
    "y": lambda d: f"{(d.year + 1900) % 100:02}",
    "Y": lambda d: str(d.year + 1900),
    "z": lambda d: "+0000",
    "Z": lambda d: "UTC",
    "%": lambda d: "%",
}
_SHORT = {
    "c": "%a %b %e %H:%M:%S %Y",
    "D": "%m/%d/%y",
    "F": "%Y-%m-%d",
    "r": "%I:%M:%S %p",
    "R": "%H:%M",
    "T": "%H:%M:%S",
    "x": "%m/%d/%y",
    "X": "%H:%M:%S",
}


def _instant(date: Date) -> int:
    days = days_before(date.year + 1900, date.month) + date.day - 1
    return days * _DAY + date.hour * 3600 + date.minute * 60 + date.second


def formatted(format: str, date: Date) -> str:
    """Returns what strftime() of the C locale makes of a format; what it does not know stays."""
    pieces = []
    rest = iter(format)
    for letter in rest:
        if letter != "%":
            pieces.append(letter)
            continue
        kind = next(rest, "")
        if kind in ("E", "O", "+", "0", "_", "-"):  # modifiers, which change nothing here
            kind = next(rest, "")
        if kind in _SHORT:
            pieces.append(formatted(_SHORT[kind], date))
        elif kind in _CONVERSIONS:
            pieces.append(_CONVERSIONS[kind](date))
        else:
            pieces.append(f"%{kind}")
    return "".join(pieces)


def _strftime(program: Emscripten, to: int, room: int, format: int, tm: int, *_: int) -> int:
    memory = program.wasi.memory
    date = Date(*_TM_READ.unpack(memory.span(tm, _TM_READ.size)))
    data = formatted(text_at(program, format), date).encode()
    if len(data) >= room:
        return 0
    memory.write(to, data + b"\0")
    return len(data)


FUNCTIONS: list[Entry] = [
    ("_localtime_js", _date, "li>i"),
    ("_localtime_js", _date_silently, "li>"),
    ("_localtime_js", _date_at, "ii>"),
    ("_gmtime_js", _date, "li>i"),
    ("_gmtime_js", _date_silently, "li>"),
    ("_gmtime_js", _date_at, "ii>"),
    ("time", _now, "i>i"),
    ("_mktime_js", _seconds_at, "i>l"),
    ("_mktime_js", _seconds_in_32_bits, "i>i"),
    ("_timegm_js", _seconds_at, "i>l"),
    ("_timegm_js", _seconds_in_32_bits, "i>i"),
    ("_tzset_js", _set_zone, "iiii>"),
    ("_tzset_js", _set_zone, "iii>"),
    ("strftime", _strftime, "iiii>i"),
    ("strftime_l", _strftime, "iiiii>i"),
]
