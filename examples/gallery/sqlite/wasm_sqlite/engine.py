# SPDX-License-Identifier: MIT
"""One SQLite in a sandbox: an instance of the module with one open database.

Everything that enters or leaves the guest's memory does so here. guest/glue.c is the other side.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import pywasm3
from pywasm3.wasi import HostDir, VirtualDir, WasiConfig

from . import errors
from .files import DATABASE, ObjectFiles

INTEGER, FLOAT, TEXT, BLOB, NULL = range(1, 6)
OK, ROW, DONE = 0, 100, 101
_READ_ONLY, _READ_WRITE_CREATE = 0x1, 0x2 | 0x4
_UTF8, _DETERMINISTIC = 0x1, 0x800

_CELL = 16  # bytes of a value in the guest: its type, its size, and 8 bytes that depend on the type
_MAX_CELLS = 2000  # columns of a row, or arguments of a function, as SQLite limits them
_MAX_BYTES = (1 << 31) - 2


class Place(NamedTuple):
    """The functions of the guest by which a value goes to a parameter, or is a result."""

    null: pywasm3.Function
    int64: pywasm3.Function
    double: pywasm3.Function
    text: pywasm3.Function
    blob: pywasm3.Function


class Engine:
    """An instance with an open database.

    A guest that was stopped is in the middle of its work. Its memory is of no use any more, so the
    engine is `lost` then: every further call raises OperationalError.

    Args:
        module: The module that build.py makes.
        name: The name of a file in the directory, or ":memory:". Not used for a file object.
        directory: The directory that the guest gets, if any.
        files: The functions for a file object, if the database is one.
        read_only: Whether to open the database for reading only.
        limits: What the guest may use. The fuel is for one statement: `refuel` renews it.
    """

    def __init__(
        self,
        module: pywasm3.Module,
        name: str,
        directory: HostDir | VirtualDir | None,
        files: ObjectFiles | None,
        read_only: bool,
        limits: pywasm3.Limits,
    ) -> None:
        self.lost = False
        self.unused: list[int] = []  # statements that nobody has any more, to be finalized
        self._statements: set[int] = set()
        self._raised: BaseException | None = None
        self._functions: dict[int, Callable[..., Any]] = {}
        self._fuel = limits.fuel
        functions = {"call": self._call_python, "drop": self._drop_python}
        self._instance = pywasm3.Instance(
            module,
            {"functions": functions, "files": files.imports() if files else {}},
            wasi=WasiConfig(preopens={} if directory is None else {"/": directory}),
            limits=limits,
            missing="error" if files else "trap",
        )
        self._exports = exports = self._instance.exports
        self._memory = self._instance.memory
        self._step = exports.step
        self._parameters = Place(
            exports.sqlite3_bind_null,
            exports.sqlite3_bind_int64,
            exports.sqlite3_bind_double,
            exports.bind_text,
            exports.bind_blob,
        )
        self._results = Place(
            exports.sqlite3_result_null,
            exports.sqlite3_result_int64,
            exports.sqlite3_result_double,
            exports.result_text,
            exports.result_blob,
        )
        if files:
            files.attach(self._memory, self.keep)
        self._row = self.call(exports.row_cells)
        self._flag = self.call(exports.interrupt_flag)
        self._scratch = self._copy(bytes(8))
        path = self._copy((DATABASE if files else name).encode())
        flags = _READ_ONLY if read_only else _READ_WRITE_CREATE
        opened = self.call(exports.open_database, path, flags, int(files is not None))
        self.call(exports.sqlite3_free, path)
        if not opened:
            raise MemoryError("SQLite has not enough memory to open a database")
        self._database = opened
        self.check(self.call(exports.sqlite3_extended_errcode, opened))

    # --- calls

    def call(self, function: pywasm3.Function, *args: Any) -> Any:
        """Calls a function of the guest, and raises what a function of the host raised in it."""
        if self.lost:
            raise errors.OperationalError("this SQLite was stopped, and its statements are lost")
        try:
            result = function(*args)
        except pywasm3.WasmError as error:
            self.lost = True
            raise errors.OperationalError(f"SQLite was stopped: {error}") from error
        except BaseException:
            self.lost = True
            raise
        if self._raised is not None:
            raised, self._raised = self._raised, None
            raise raised
        return result

    def keep(self, error: BaseException) -> None:
        """Keeps an exception of a host function until SQLite has come to its end with an error."""
        if self.lost:
            raise error  # A call within this one was stopped, so SQLite must not go on.
        if self._raised is None:
            self._raised = error

    def check(self, code: int) -> None:
        """Raises the exception for a result code that is not OK."""
        if code != OK:
            self._fail(code)

    def refuel(self, *, unlimited: bool = False) -> None:
        """Begins a statement: it gets the whole fuel, and has not been interrupted."""
        self._instance.fuel = None if unlimited else self._fuel
        self._memory.write_i32(self._flag, 0)

    def interrupt(self) -> None:
        """Makes the running statement end with an error. Any thread may call this."""
        self._memory.write_i32(self._flag, 1)

    @property
    def running(self) -> bool:
        """Whether the guest runs now: a function of a statement asks."""
        return self._instance.store.running

    def close(self) -> None:
        """Closes the database, which undoes a transaction that is open, and drops the instance."""
        try:
            if not self.lost:
                self.refuel(unlimited=True)  # Undoing a transaction must not end in the middle.
                self.unused = list(self._statements)
                self._finalize_unused()
                self.check(self.call(self._exports.sqlite3_close_v2, self._database))
        finally:
            self._instance.close()

    def _fail(self, code: int) -> NoReturn:
        message = self._text(self.call(self._exports.sqlite3_errmsg, self._database))
        raise errors.from_sqlite(code, message or f"error {code}")

    # --- statements

    def prepare(self, sql: bytes) -> tuple[int, bytes]:
        """Compiles the first statement of a text.

        Returns:
            The statement, which is 0 if there is none but only spaces and comments; and the rest.
        """
        self._finalize_unused()
        address, out = self._copy(sql), self._scratch
        code = self.call(
            self._exports.sqlite3_prepare_v2, self._database, address, len(sql) + 1, out, out + 4
        )
        statement, end = self._memory.unpack("<II", out)
        self.call(self._exports.sqlite3_free, address)
        self.check(code)
        if statement:
            self._statements.add(statement)
        return statement, sql[max(end - address, 0) :]

    def step(self, statement: int, columns: int) -> tuple[Any, ...] | None:
        """Runs a statement up to its next row, and returns the row; None if it has ended."""
        code = self.call(self._step, statement)
        if code == ROW:
            return self._cells(self._row, columns)
        if code != DONE:
            self._fail(code)
        return None

    def reset(self, statement: int) -> None:
        """Ends a statement, so that it can run again. The parameters become NULL."""
        self.call(self._exports.sqlite3_reset, statement)  # returns the error of the last step
        self.call(self._exports.sqlite3_clear_bindings, statement)

    def bind(self, statement: int, index: int, value: Any) -> None:
        """Gives a parameter its value. Indices begin at 1."""
        self.check(self._give(self._parameters, value, statement, index))

    def parameters(self, statement: int) -> list[str | None]:
        """Returns the names of the parameters. A name begins with a colon; `?` is none."""
        count = self.call(self._exports.sqlite3_bind_parameter_count, statement)
        name = self._exports.sqlite3_bind_parameter_name
        return [self._text(self.call(name, statement, i)) for i in range(1, count + 1)]

    def columns(self, statement: int) -> list[tuple[str, str | None]]:
        """Returns the name of each column of the rows, and the type that it was declared with."""
        count = self.call(self._exports.sqlite3_column_count, statement)
        names, types = self._exports.sqlite3_column_name, self._exports.sqlite3_column_decltype
        return [
            (self._text(self.call(names, statement, i)) or "",
             self._text(self.call(types, statement, i)))
            for i in range(count)
        ]  # fmt: skip

    def is_read_only(self, statement: int) -> bool:
        """Returns whether a statement leaves the database as it is."""
        return bool(self.call(self._exports.sqlite3_stmt_readonly, statement))

    def _finalize_unused(self) -> None:
        while self.unused:
            statement = self.unused.pop()
            self._statements.discard(statement)
            self.call(self._exports.sqlite3_finalize, statement)

    # --- the database

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return not self.call(self._exports.sqlite3_get_autocommit, self._database)

    @property
    def changes(self) -> int:
        """How many rows the last INSERT, UPDATE or DELETE has changed."""
        return int(self.call(self._exports.sqlite3_changes64, self._database))

    @property
    def total_changes(self) -> int:
        """How many rows have been changed since the database was opened."""
        return int(self.call(self._exports.sqlite3_total_changes64, self._database))

    @property
    def last_insert_rowid(self) -> int:
        """The row that was inserted last."""
        return int(self.call(self._exports.sqlite3_last_insert_rowid, self._database))

    def create_function(
        self, name: str, count: int, function: Callable[..., Any], deterministic: bool
    ) -> None:
        """Makes a Python function an SQL function. A count of -1 allows any number of arguments."""
        id = max(self._functions, default=0) + 1
        self._functions[id] = function
        address = self._copy(name.encode())
        flags = _UTF8 | (_DETERMINISTIC if deterministic else 0)
        create = self._exports.create_function
        code = self.call(create, self._database, address, count, flags, id)
        self.call(self._exports.sqlite3_free, address)
        self.check(code)

    def _call_python(self, id: int, context: int, count: int, arguments: int) -> int:
        try:
            value = self._functions[id](*self._cells(arguments, count))
            self._give(self._results, value, context)
        except BaseException as error:
            self.keep(error)
            return -1
        return 0

    def _drop_python(self, id: int) -> None:
        self._functions.pop(id, None)

    # --- values

    def _give(self, place: Place, value: Any, *where: int) -> Any:
        """Gives the guest a value: as a parameter of a statement, or as the result of a function.

        Returns:
            What the function of the guest returned: a code for a parameter, else None.
        """
        if value is None:
            return self.call(place.null, *where)
        if isinstance(value, int):
            if not -(1 << 63) <= value < 1 << 63:
                raise OverflowError("an integer of SQLite has 64 bits, and this one needs more")
            return self.call(place.int64, *where, int(value))
        if isinstance(value, float):
            return self.call(place.double, *where, value)
        if isinstance(value, str):
            data = value.encode()
            return self.call(place.text, *where, self._copy(data), len(data))
        try:
            data = bytes(memoryview(value))
        except TypeError:
            shown = type(value).__name__
            raise errors.ProgrammingError(f"SQLite has no type for the type {shown!r}") from None
        return self.call(place.blob, *where, self._copy(data), len(data))

    def _copy(self, data: bytes) -> int:
        """Copies bytes into the guest, with a NUL behind them, and returns their address there."""
        if len(data) > _MAX_BYTES:
            raise errors.DataError(f"SQLite takes at most {_MAX_BYTES} bytes")
        address = self.call(self._exports.sqlite3_malloc, len(data) + 1)
        if not address:
            raise MemoryError(f"SQLite has not enough memory for {len(data)} bytes")
        self._memory.write(address, data + b"\0")
        return int(address)

    def _cells(self, address: int, count: int) -> tuple[Any, ...]:
        """Reads values of the guest: the columns of a row, or the arguments of a function."""
        if not 0 <= count <= _MAX_CELLS:
            raise errors.InternalError(f"SQLite says that there are {count} values")
        fields = iter(self._memory.unpack("<" + "iIq" * count, address))
        return tuple(
            bits if kind == INTEGER else self._value(kind, size, bits, address + i * _CELL + 8)
            for i, (kind, size, bits) in enumerate(zip(fields, fields, fields, strict=True))
        )

    def _value(self, kind: int, size: int, bits: int, address: int) -> float | str | bytes | None:
        if kind == NULL:
            return None
        if kind == FLOAT:
            return self._memory.read_f64(address)
        data = self._memory.read(bits & 0xFFFFFFFF, size)
        if kind == BLOB:
            return data
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise errors.OperationalError(f"a text is not in UTF-8: {data!r:.100}") from None

    def _text(self, address: int) -> str | None:
        """Reads a text of SQLite's that ends with NUL, such as a name; None for no address."""
        if not address:
            return None
        return self._memory.read_cstring(address).decode(errors="replace")
