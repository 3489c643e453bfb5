# SPDX-License-Identifier: MIT
"""SQLite in a sandbox, as a module of Python's database interface (PEP 249).

    import wasm_sqlite

    with open("music.db", "r+b") as file:
        connection = wasm_sqlite.connect(file, limits=pywasm3.Limits(timeout=1))
        connection.execute("SELECT title FROM songs WHERE year = ?", (1969,)).fetchall()

SQLite is WebAssembly here, so it reaches nothing of this process but what it is given: one file
object, or one directory. A hostile database can attack SQLite, and SQLite can attack nothing.
"""

from .connection import Connection, Cursor, connect
from .errors import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Warning,
)
from .types import (
    BINARY,
    DATETIME,
    NUMBER,
    ROWID,
    STRING,
    Binary,
    Date,
    DateFromTicks,
    Time,
    TimeFromTicks,
    Timestamp,
    TimestampFromTicks,
)

apilevel = "2.0"
paramstyle = "qmark"
threadsafety = 1  # Threads may share the module, but not a connection.

__all__ = [
    "BINARY",
    "DATETIME",
    "NUMBER",
    "ROWID",
    "STRING",
    "Binary",
    "Connection",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Date",
    "DateFromTicks",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "Time",
    "TimeFromTicks",
    "Timestamp",
    "TimestampFromTicks",
    "Warning",
    "apilevel",
    "connect",
    "paramstyle",
    "threadsafety",
]
