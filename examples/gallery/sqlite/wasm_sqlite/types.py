# SPDX-License-Identifier: MIT
"""The types of PEP 249: constructors of values, and the types of columns."""

import datetime
import enum
import functools
import time

Date = datetime.date
Time = datetime.time
Timestamp = datetime.datetime
Binary = memoryview


def DateFromTicks(ticks: float) -> Date:
    """Returns the date of a number of seconds since 1970, in local time."""
    return Date(*time.localtime(ticks)[:3])


def TimeFromTicks(ticks: float) -> Time:
    """Returns the time of day of a number of seconds since 1970, in local time."""
    return Time(*time.localtime(ticks)[3:6])


def TimestampFromTicks(ticks: float) -> Timestamp:
    """Returns the date and time of a number of seconds since 1970, in local time."""
    return Timestamp(*time.localtime(ticks)[:6])


class ColumnType(enum.Enum):
    """What a column was declared to contain. SQLite does not enforce it."""

    STRING = "string"
    BINARY = "binary"
    NUMBER = "number"
    DATETIME = "datetime"
    ROWID = "rowid"


STRING, BINARY, NUMBER, DATETIME, ROWID = ColumnType

# A declared type is of the first kind of which it contains a word. https://sqlite.org/datatype3.html
_WORDS = {
    DATETIME: ("DATE", "TIME"),
    STRING: ("CHAR", "CLOB", "TEXT"),
    BINARY: ("BLOB", "BINARY"),
    NUMBER: ("INT", "REAL", "FLOA", "DOUB", "NUM", "DEC", "BOOL"),
    ROWID: ("ROWID",),
}


@functools.lru_cache
def column_type(declared: str | None) -> ColumnType | None:
    """Returns the type for what the declaration of a column says; None for an expression."""
    for kind, words in _WORDS.items():
        if any(word in (declared or "").upper() for word in words):
            return kind
    return None
