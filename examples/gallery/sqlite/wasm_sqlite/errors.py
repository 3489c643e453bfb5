# SPDX-License-Identifier: MIT
"""The exceptions of PEP 249, and which of them a result code of SQLite becomes.

Exception
  Warning
  Error
    InterfaceError
    DatabaseError
      DataError, OperationalError, IntegrityError, InternalError, ProgrammingError,
      NotSupportedError
"""


class Warning(Exception):
    """Something that is worth knowing, and not an error. This module raises none."""


class Error(Exception):
    """The base of all errors.

    Attributes:
        sqlite_errorcode: SQLite's extended result code; None if the error is not SQLite's.
    """

    sqlite_errorcode: int | None = None


class InterfaceError(Error):
    """The module was used wrongly, rather than the database."""


class DatabaseError(Error):
    """The base of the errors of the database."""


class DataError(DatabaseError):
    """A value is too large."""


class OperationalError(DatabaseError):
    """The database could not do it: no such table, a full disk, a statement that was stopped."""


class IntegrityError(DatabaseError):
    """A constraint of the database would not hold any more."""


class InternalError(DatabaseError):
    """SQLite found an error in itself."""


class ProgrammingError(DatabaseError):
    """The program did something that cannot work, such as using a closed cursor."""


class NotSupportedError(DatabaseError):
    """The database cannot do this."""


NOMEM = 7

# https://sqlite.org/rescode.html. The codes that are not here become a DatabaseError.
_BY_CODE: dict[int, type[Error]] = {
    1: OperationalError,  # ERROR
    2: InternalError,  # INTERNAL
    3: OperationalError,  # PERM
    4: OperationalError,  # ABORT
    5: OperationalError,  # BUSY
    6: OperationalError,  # LOCKED
    8: OperationalError,  # READONLY
    9: OperationalError,  # INTERRUPT
    10: OperationalError,  # IOERR
    12: InternalError,  # NOTFOUND
    13: OperationalError,  # FULL
    14: OperationalError,  # CANTOPEN
    15: OperationalError,  # PROTOCOL
    17: OperationalError,  # SCHEMA
    18: DataError,  # TOOBIG
    19: IntegrityError,  # CONSTRAINT
    20: IntegrityError,  # MISMATCH
    21: InterfaceError,  # MISUSE
    25: InterfaceError,  # RANGE
}


def from_sqlite(code: int, message: str) -> Exception:
    """Returns the exception for a result code and the message that SQLite has for it."""
    primary = code & 0xFF
    if primary == NOMEM:
        return MemoryError(message)
    error = _BY_CODE.get(primary, DatabaseError)(message)
    error.sqlite_errorcode = code
    return error
