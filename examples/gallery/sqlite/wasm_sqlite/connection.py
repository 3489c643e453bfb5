# SPDX-License-Identifier: MIT
"""Connections and cursors, as PEP 249 and Python's module `sqlite3` have them."""

import contextlib
import datetime
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, BinaryIO

import pywasm3
from pywasm3.wasi import HostDir, VirtualDir

from . import build, errors
from .engine import Engine
from .files import ObjectFiles, is_file_object
from .types import ColumnType, column_type

LIMITS = pywasm3.Limits(memory=256 << 20, timeout=60)
MAX_FILE_BYTES = 1 << 30

Parameters = Sequence[Any] | Mapping[str, Any]
Column = tuple[str, ColumnType | None, None, None, None, None, None]

_FIRST_WORD = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*(\w*)", re.DOTALL)
_CHANGING = {"INSERT", "UPDATE", "DELETE", "REPLACE"}
_KEEPING_SCHEMA = {"SELECT", "WITH", "VALUES", *_CHANGING}
_MAX_IDLE = 100
_ISOLATION_LEVELS = (None, "DEFERRED", "IMMEDIATE", "EXCLUSIVE")


def connect(
    database: str | BinaryIO,
    *,
    directory: HostDir | VirtualDir | None = None,
    isolation_level: str | None = "DEFERRED",
    limits: pywasm3.Limits = LIMITS,
    max_file_bytes: int = MAX_FILE_BYTES,
    module: pywasm3.Module | None = None,
) -> "Connection":
    """Opens a database.

    Args:
        database: A binary file object that can seek, whose content is the database; ":memory:"; or
            the name of a file in `directory`.
        directory: The directory that SQLite gets, for the database and its journal.
        isolation_level: How a transaction begins before the first statement that changes something:
            "DEFERRED", "IMMEDIATE" or "EXCLUSIVE". With None, none begins unless you begin it.
        limits: What the guest may use. `memory` is what all of SQLite may have, `fuel` is for one
            statement, and `timeout` for each call: a step to the next row.
        max_file_bytes: How large SQLite may make a file object.
        module: The module that build.py makes. With None, it is made if it is not there.

    Raises:
        OperationalError: The database cannot be opened.
    """
    return Connection(database, directory, isolation_level, limits, max_file_bytes, module)


class Connection:
    """An open database. `connect` makes one.

    A `with` block commits at its end, or undoes everything if an exception leaves it. It does not
    close the connection.

    If a statement reaches a limit, the guest is stopped in the middle of it, and the statement
    raises OperationalError. The next statement then opens the database anew, and SQLite undoes the
    transaction that did not come to its end. Only a database in memory is gone: the connection is
    closed then.
    """

    Warning = errors.Warning
    Error = errors.Error
    InterfaceError = errors.InterfaceError
    DatabaseError = errors.DatabaseError
    DataError = errors.DataError
    OperationalError = errors.OperationalError
    IntegrityError = errors.IntegrityError
    InternalError = errors.InternalError
    ProgrammingError = errors.ProgrammingError
    NotSupportedError = errors.NotSupportedError

    def __init__(
        self,
        database: str | BinaryIO,
        directory: HostDir | VirtualDir | None,
        isolation_level: str | None,
        limits: pywasm3.Limits,
        max_file_bytes: int,
        module: pywasm3.Module | None,
    ) -> None:
        if isolation_level not in _ISOLATION_LEVELS:
            raise ValueError(f"isolation_level must be one of {_ISOLATION_LEVELS}")
        self.isolation_level = isolation_level
        self._thread = threading.get_ident()
        self._functions: dict[tuple[str, int], tuple[Callable[..., Any], bool]] = {}
        self._module = module or build.load()
        self._limits = limits
        self._directory = directory
        self._files: ObjectFiles | None = None
        self._name = ""
        if is_file_object(database):
            self._files = ObjectFiles(database, max_file_bytes)
        elif not isinstance(database, str):
            raise TypeError(f"a database is a name or a file object, not {database!r:.100}")
        elif database == ":memory:" or directory is not None:
            self._name = database
        else:
            raise ValueError(f"to open {database!r}, SQLite needs directory=, where the file is")
        self._idle: dict[str, Statement] = {}
        self._engine: Engine | None = None
        self._engine = self._open()

    def cursor(self) -> "Cursor":
        """Returns a new cursor."""
        self.engine()
        return Cursor(self)

    def execute(self, sql: str, parameters: Parameters = ()) -> "Cursor":
        """Runs a statement with a new cursor, and returns the cursor."""
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> "Cursor":
        """Runs a statement for each row with a new cursor, and returns the cursor."""
        return self.cursor().executemany(sql, rows)

    def executescript(self, script: str) -> "Cursor":
        """Runs several statements with a new cursor, and returns the cursor."""
        return self.cursor().executescript(script)

    def commit(self) -> None:
        """Ends the transaction, if one is open, and keeps what it has changed."""
        if self.in_transaction:
            self._run("COMMIT")

    def rollback(self) -> None:
        """Ends the transaction, if one is open, and undoes what it has changed."""
        if self.in_transaction:
            self.forget_statements()
            self._run("ROLLBACK")

    def close(self) -> None:
        """Undoes an open transaction, and closes the database.

        Raises:
            ProgrammingError: The connection is closed already.
        """
        engine = self.engine(reopen=False)
        if engine.running:
            raise errors.ProgrammingError("a function of a statement cannot close the database")
        if engine.lost and self._files is not None and self._files.has_journal:
            engine = self._reopen()
        self._engine = None
        engine.close()

    def create_function(
        self, name: str, narg: int, func: Callable[..., Any], *, deterministic: bool = False
    ) -> None:
        """Makes a Python function an SQL function. An exception that it raises arrives as it is.

        Args:
            name: The name in SQL.
            narg: How many arguments it takes; -1 for any number.
            func: The function. It gets and returns None, int, float, str or bytes.
            deterministic: Whether the same arguments always have the same result.
        """
        self.engine().create_function(name, narg, func, deterministic)
        self._functions[name, narg] = (func, deterministic)

    def interrupt(self) -> None:
        """Makes the running statement end with OperationalError. Any thread may call this."""
        engine = self._engine
        if engine is None:
            raise errors.ProgrammingError("the connection is closed")
        engine.interrupt()

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self.engine().in_transaction

    @property
    def total_changes(self) -> int:
        """How many rows have been changed since the database was opened."""
        return self.engine().total_changes

    def __enter__(self) -> "Connection":
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc is None:
            self.commit()
        elif self._engine is not None and not self._engine.lost:
            self.rollback()

    def engine(self, *, reopen: bool = True) -> Engine:
        """Returns the engine, for the thread that the connection belongs to."""
        if self._engine is None:
            raise errors.ProgrammingError("the connection is closed")
        if threading.get_ident() != self._thread:
            raise errors.ProgrammingError("the connection was made in another thread")
        if self._engine.lost and reopen:
            return self._reopen()
        return self._engine

    def begin(self) -> None:
        """Begins a transaction, if none is open and `isolation_level` is not None."""
        if self.isolation_level is not None and not self.in_transaction:
            self._run(f"BEGIN {self.isolation_level}")

    def take_statement(self, sql: str) -> "Statement":
        """Returns a compiled statement, which may have been used before."""
        statement = self._idle.pop(sql, None) or Statement(self.engine(), sql)
        if statement.word not in _KEEPING_SCHEMA:
            self.forget_statements()  # They may have other columns when this statement has run.
        return statement

    def give_back(self, statement: "Statement") -> None:
        """Keeps a statement that has ended for the next use of the same text."""
        if statement.word in _KEEPING_SCHEMA and statement.engine is self._engine:
            while len(self._idle) >= _MAX_IDLE:
                del self._idle[next(iter(self._idle))]
            self._idle[statement.sql] = statement

    def forget_statements(self) -> None:
        """Drops the statements that are kept, because the schema may change."""
        self._idle.clear()

    def _open(self) -> Engine:
        read_only = isinstance(self._directory, HostDir) and self._directory.read_only
        if self._files is not None:
            read_only = self._files.read_only
        return Engine(
            self._module, self._name, self._directory, self._files, read_only, self._limits
        )

    def _reopen(self) -> Engine:
        """Opens the database anew after a guest was stopped."""
        if self._engine is not None and not self._engine.running:
            self._engine.close()  # frees its memory now
        if self._name == ":memory:":
            self._engine = None
            raise errors.ProgrammingError(
                "the database was in the memory of a guest that was stopped, so it is closed"
            )
        self.forget_statements()
        self._engine = self._open()
        for (name, count), (function, deterministic) in self._functions.items():
            self._engine.create_function(name, count, function, deterministic)
        # Reading the file undoes what the journal says. That must not end in the middle, and how
        # long it takes depends on the size of the journal only, so it may take any fuel.
        self._run("PRAGMA schema_version", unlimited=True)
        return self._engine

    def _run(self, sql: str, *, unlimited: bool = False) -> None:
        """Runs a statement without parameters to its end."""
        engine = self.engine()
        engine.refuel(unlimited=unlimited)
        statement, _ = engine.prepare(sql.encode())
        try:
            while engine.step(statement, 0) is not None:
                pass
        finally:
            engine.unused.append(statement)


class Statement:
    """A statement that SQLite has compiled, which is freed some time after its last use."""

    def __init__(self, engine: Engine, sql: str) -> None:
        self.pointer, rest = engine.prepare(_encoded(sql))
        self.engine = engine
        self.sql = sql
        self._running = False
        if rest and self._has_statement(rest):
            raise errors.ProgrammingError("the text has more than one statement")
        word = _FIRST_WORD.match(sql)
        self.word = word[1].upper() if word else ""
        self.changes = self.word in _CHANGING
        if self.word == "WITH":
            self.changes = bool(self.pointer) and not engine.is_read_only(self.pointer)
        columns = engine.columns(self.pointer) if self.pointer else []
        self.description: tuple[Column, ...] = tuple(
            (name, column_type(declared), None, None, None, None, None)
            for name, declared in columns
        )
        self._names = engine.parameters(self.pointer) if self.pointer else []

    def bind(self, parameters: Parameters) -> None:
        """Gives the parameters their values."""
        if isinstance(parameters, Mapping):
            values: Iterable[Any] = [self._named(name, parameters) for name in self._names]
        elif len(parameters) == len(self._names):
            values = [parameters[i] for i in range(len(parameters))]
        else:
            raise errors.ProgrammingError(
                f"the statement has {len(self._names)} parameters, and {len(parameters)} were given"
            )
        for index, value in enumerate(values, 1):
            self.engine.bind(self.pointer, index, _as_text(value))

    def step(self) -> tuple[Any, ...] | None:
        """Returns the next row. After the last one, returns None, and the statement has ended."""
        if not self.pointer:
            return None
        row = None
        self._running = True
        try:
            row = self.engine.step(self.pointer, len(self.description))
        finally:
            self._running = False
            if row is None:
                self.reset()
        return row

    def reset(self) -> None:
        """Ends the statement, so that it can run again."""
        if self._running:
            raise errors.ProgrammingError("a function of a statement cannot use its cursor")
        if self.pointer and not self.engine.lost:
            self.engine.reset(self.pointer)

    def _has_statement(self, rest: bytes) -> bool:
        with contextlib.suppress(errors.Error):
            pointer, _ = self.engine.prepare(rest)
            if not pointer:
                return False
            self.engine.unused.append(pointer)
        return True

    def _named(self, name: str | None, parameters: Mapping[str, Any]) -> Any:
        if name is None:
            raise errors.ProgrammingError("a parameter is not named, so it needs a sequence")
        try:
            return parameters[name[1:]]
        except KeyError:
            raise errors.ProgrammingError(f"the parameter {name} was not given") from None

    def __del__(self) -> None:
        # The guest may be running now, so the statement is only noted.
        if getattr(self, "pointer", 0):
            self.engine.unused.append(self.pointer)


def _encoded(sql: str) -> bytes:
    if "\0" in sql:
        raise errors.ProgrammingError("the statement contains a NUL character")
    return sql.encode()


def _as_text(value: Any) -> Any:
    """Returns dates and times as the texts that SQLite's functions understand."""
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return value


class Cursor:
    """Runs statements, and gives their rows.

    Attributes:
        connection: The connection.
        arraysize: How many rows `fetchmany` gives by default.
        description: A tuple for each column of the rows: the name, the type that it was declared
            with, and None five times. None after a statement that has no rows.
        lastrowid: The row that was last inserted into the database when `execute` ended; 0 if none
            was, and None before.
        rowcount: How many rows the last INSERT, UPDATE or DELETE has changed; -1 after others.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.arraysize = 1
        self.description: tuple[Column, ...] | None = None
        self.lastrowid: int | None = None
        self.rowcount = -1
        self._statement: Statement | None = None
        self._next: tuple[Any, ...] | None = None
        self._closed = False

    def execute(self, sql: str, parameters: Parameters = ()) -> "Cursor":
        """Runs a statement, and returns this cursor.

        Args:
            sql: One statement. Its parameters are `?`, or named ones such as `:year`.
            parameters: A sequence of values, or a mapping for named parameters.
        """
        return self._execute(sql, (parameters,), many=False)

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> "Cursor":
        """Runs a statement that changes something for each row of parameters."""
        return self._execute(sql, rows, many=True)

    def executescript(self, script: str) -> "Cursor":
        """Ends the transaction, runs several statements, and drops their rows."""
        engine = self._begin()
        self.connection.commit()
        self.connection.forget_statements()
        rest = _encoded(script)
        while rest:
            statement, rest = engine.prepare(rest)
            if not statement:
                break
            try:
                while engine.step(statement, 0) is not None:
                    pass
            finally:
                engine.unused.append(statement)
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        """Returns the next row; None after the last one."""
        self._check()
        if self.description is None:
            raise errors.ProgrammingError("the cursor has not run a statement that gives rows")
        row = self._next
        if row is not None:
            self._advance()
            self._let_go()
        return row

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        """Returns the next rows: as many as `size` says, or `arraysize`, or as there are."""
        rows = []
        for _ in range(self.arraysize if size is None else size):
            row = self.fetchone()
            if row is None:
                break
            rows.append(row)
        return rows

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Returns all rows that are left."""
        return list(iter(self.fetchone, None))

    def close(self) -> None:
        """Ends the statement. The cursor cannot be used any more."""
        self.connection.engine(reopen=False)
        self._drop()
        self._closed = True

    def setinputsizes(self, sizes: Sequence[Any]) -> None:
        """Does nothing, as PEP 249 allows."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """Does nothing, as PEP 249 allows."""

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self

    def __next__(self) -> tuple[Any, ...]:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row

    def _execute(self, sql: str, rows: Iterable[Parameters], *, many: bool) -> "Cursor":
        engine = self._begin()
        statement = self.connection.take_statement(sql)
        if many and not statement.changes:
            raise errors.ProgrammingError("executemany() is for statements that change something")
        if statement.changes:
            self.connection.begin()
        self._statement = statement
        changed = 0
        for parameters in rows:
            engine.refuel()
            statement.reset()
            statement.bind(parameters)
            self._advance()
            self.description = statement.description or None
            changed += max(self.rowcount, 0)
        self.rowcount = changed if statement.changes and self._next is None else -1
        self._let_go()
        if not many:
            self.lastrowid = engine.last_insert_rowid
        return self

    def _begin(self) -> Engine:
        """Ends the statement before, and returns the engine for a new one."""
        self._check()
        self._drop()
        self.rowcount = -1
        engine = self.connection.engine()
        engine.refuel()
        return engine

    def _advance(self) -> None:
        """Goes to the next row."""
        assert self._statement is not None
        self._next = None
        self._next = self._statement.step()
        if self._next is None and self._statement.changes:
            self.rowcount = self.connection.engine().changes

    def _let_go(self) -> None:
        """Lets others use the statement if it has ended. Its description stays."""
        if self._statement is not None and self._next is None:
            self.connection.give_back(self._statement)
            self._statement = None

    def _drop(self) -> None:
        if self._statement is not None:
            self._statement.reset()
            self.connection.give_back(self._statement)
        self._statement = self._next = self.description = None

    def _check(self) -> None:
        if self._closed:
            raise errors.ProgrammingError("the cursor is closed")
        self.connection.engine(reopen=False)
