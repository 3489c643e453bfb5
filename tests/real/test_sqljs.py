# SPDX-License-Identifier: MIT
"""SQLite, in the module of sql.js, answers queries on files in a directory of the host's memory.

Python's own sqlite3 reads the files that it writes, and writes files that it reads. The names of
the module's imports were found by reading its JavaScript, as those of QuickJS were, which
examples/gallery/javascript has.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import pywasm3
from npm_helpers import Package
from pywasm3.guests import emscripten
from pywasm3.wasi import VirtualDir, WasiConfig

SQLJS = Package(
    "sql.js", "1.17.0", "0764479cba502816fe07510a9499a941899fe3bd71c51ccf56bb8a7afdc293bc"
)
# SQLite's own package. It has the true names, and is of an older version of Emscripten.
SQLITE = Package(
    "@sqlite.org/sqlite-wasm",
    "3.41.2",
    "b08a935eb46c19907fc2329bc9e0cef4d029ef3df217e194c0f0c3fbf7fff633",
)
# In the order of the names, the short names are in the order of the script.
_SYMBOLS = """
  __assert_fail __syscall_chmod __syscall_faccessat __syscall_fchmod __syscall_fchown32
  __syscall_fcntl64 __syscall_fstat64 __syscall_ftruncate64 __syscall_getcwd __syscall_geteuid32
  __syscall_lstat64 __syscall_mkdirat __syscall_newfstatat __syscall_openat __syscall_readlinkat
  __syscall_rmdir __syscall_stat64 __syscall_unlinkat __syscall_utimensat _abort_js
  _emscripten_runtime_keepalive_clear _localtime_js _mmap_js _munmap_js _setitimer_js _tzset_js
  emscripten_date_now emscripten_get_heap_max emscripten_get_now emscripten_resize_heap environ_get
  environ_sizes_get fd_close fd_fdstat_get fd_read fd_seek fd_sync fd_write proc_exit
  warnLegacyFunction"""
IMPORTS = dict(zip("aiDjhbgJIFMCLxsrNonwvAyzkBdpclGHemtEKquf", _SYMBOLS.split(), strict=True))

OK, ROW, DONE = 0, 100, 101
INTEGER, FLOAT, TEXT, BLOB, NULL = range(1, 6)
UTF8 = 1
TRANSIENT = -1  # SQLite copies what it is given


Value: TypeAlias = "int | float | str | bytes | None"


class Database:
    """A database of SQLite in the sandbox.

    Attributes:
        program: The module.
    """

    def __init__(self, program: emscripten.Emscripten, path: str) -> None:
        self.program = program
        self.exports = program.exports
        self._slot = program.allocate(4)
        name = program.new_text(path)
        code = self.exports.sqlite3_open(name, self._slot)
        self._handle = program.memory.read_u32(self._slot)
        self._require(code, OK)

    def _require(self, code: int, expected: int) -> None:
        if code != expected:
            text = self.exports.sqlite3_errmsg(self._handle)
            raise sqlite3.OperationalError(self.program.memory.read_str(text))

    def execute(self, sql: str, *parameters: Value) -> list[tuple[Any, ...]]:
        """Runs one statement, and returns all rows of the result."""
        exports, memory = self.exports, self.program.memory
        text = self.program.new_text(sql)
        code = exports.sqlite3_prepare_v2(self._handle, text, -1, self._slot, 0)
        exports.free(text)
        self._require(code, OK)
        statement = memory.read_u32(self._slot)
        for number, value in enumerate(parameters, 1):
            self._bind(statement, number, value)
        rows = []
        while (code := exports.sqlite3_step(statement)) == ROW:
            count = exports.sqlite3_data_count(statement)
            rows.append(tuple(self._column(statement, i) for i in range(count)))
        try:
            self._require(code, DONE)
        finally:
            exports.sqlite3_finalize(statement)
        return rows

    def _bind(self, statement: int, number: int, value: Value) -> None:
        exports = self.exports
        if isinstance(value, int):
            exports.sqlite3_bind_int64(statement, number, value)
        elif isinstance(value, float):
            exports.sqlite3_bind_double(statement, number, value)
        elif value is not None:
            data = value.encode() if isinstance(value, str) else value
            block = self.program.allocate(max(1, len(data)))
            self.program.memory[block : block + len(data)] = data
            kind = "text" if isinstance(value, str) else "blob"
            bind = exports[f"sqlite3_bind_{kind}"]
            bind(statement, number, block, len(data), TRANSIENT)
            exports.free(block)

    def _column(self, statement: int, i: int) -> Any:
        exports, memory = self.exports, self.program.memory
        type = exports.sqlite3_column_type(statement, i)
        if type == NULL:
            return None
        if type == INTEGER:
            return int(exports.sqlite3_column_double(statement, i))
        if type == FLOAT:
            return exports.sqlite3_column_double(statement, i)
        address = exports.sqlite3_column_blob(statement, i)
        data = bytes(memory.read(address, exports.sqlite3_column_bytes(statement, i)))
        return data.decode() if type == TEXT else data

    def close(self) -> None:
        assert self.exports.sqlite3_close_v2(self._handle) == OK


@functools.cache
def module() -> pywasm3.Module:
    """Returns the module, with its true names."""
    module = pywasm3.Module(SQLJS.read("package/dist/sql-wasm.wasm"))
    script = SQLJS.read("package/dist/sql-wasm.js").decode()
    return emscripten.Names.from_js(script, module, imports=IMPORTS).apply(module)


def sqlite(**options: Any) -> emscripten.Emscripten:
    return emscripten.load(module(), {"warnLegacyFunction": lambda _: None}, **options)


@pytest.fixture
def directory() -> VirtualDir:
    return VirtualDir()


@pytest.fixture
def program(directory: VirtualDir) -> Iterator[emscripten.Emscripten]:
    with sqlite(wasi=WasiConfig(preopens={"/": directory})) as program:
        yield program


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1, 2.5, 'ä', x'00ff', NULL",
        "SELECT sqlite_source_id() != '', abs(-3), upper('abc'), length('𝄞')",
        "SELECT datetime(86400, 'unixepoch'), strftime('%Y-%W', '2024-02-29')",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) "
        "SELECT sum(i), group_concat(i) FROM n",
        "SELECT json_extract('{\"a\": [1, 2]}', '$.a[1]')",
    ],
)
def test_queries_are_answered_as_by_pythons_sqlite(
    program: emscripten.Emscripten, query: str
) -> None:
    assert (
        Database(program, ":memory:").execute(query)
        == sqlite3.connect(":memory:").execute(query).fetchall()
    )


def test_python_reads_what_the_sandbox_has_written(
    program: emscripten.Emscripten, directory: VirtualDir, tmp_path: Path
) -> None:
    database = Database(program, "/test.db")
    database.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c REAL, d BLOB)")
    database.execute("CREATE INDEX i ON t (b)")
    rows = [(i, f"text {i}" * 10, i / 7, bytes([i % 256]) * 20) for i in range(500)]
    database.execute("BEGIN")
    for row in rows:
        database.execute("INSERT INTO t VALUES (?, ?, ?, ?)", *row)
    assert "test.db-journal" in directory
    database.execute("COMMIT")
    database.close()
    assert list(directory) == ["test.db"]
    (tmp_path / "test.db").write_bytes(directory["test.db"])
    with sqlite3.connect(tmp_path / "test.db") as there:
        assert there.execute("SELECT * FROM t ORDER BY a").fetchall() == rows
        assert there.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    there.close()


def test_the_sandbox_reads_what_python_has_written(
    program: emscripten.Emscripten, directory: VirtualDir, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "test.db") as there:
        there.execute("CREATE TABLE t (a, b)")
        there.executemany("INSERT INTO t VALUES (?, ?)", [(i, str(i)) for i in range(1000)])
    there.close()
    directory["given.db"] = (tmp_path / "test.db").read_bytes()
    database = Database(program, "given.db")
    query = "SELECT count(*), sum(a), max(b) FROM t"
    assert database.execute(query) == [(1000, 499500, "999")]
    assert database.execute("PRAGMA integrity_check") == [("ok",)]


def test_a_transaction_is_rolled_back(program: emscripten.Emscripten) -> None:
    database = Database(program, "/test.db")
    database.execute("CREATE TABLE t (a)")
    database.execute("BEGIN")
    database.execute("INSERT INTO t VALUES (1)")
    database.execute("ROLLBACK")
    assert database.execute("SELECT count(*) FROM t") == [(0,)]


def test_an_error_has_the_text_of_sqlite(program: emscripten.Emscripten) -> None:
    database = Database(program, ":memory:")
    with pytest.raises(sqlite3.OperationalError, match="no such table: absent"):
        database.execute("SELECT * FROM absent")
    with pytest.raises(sqlite3.OperationalError, match="unable to open database file"):
        Database(program, "/no/such/folder/test.db")


def test_queries_call_a_function_of_the_host(program: emscripten.Emscripten) -> None:
    """The function is a function pointer of C: an index in the table."""
    exports = program.exports

    def twice(context: int, _count: int, values: int) -> None:
        value = exports.sqlite3_value_double(program.memory.read_u32(values))
        exports.sqlite3_result_double(context, 2 * value)

    type = pywasm3.FuncType(["i32"] * 3)
    function = pywasm3.host_function(type, twice, store=program.instance.store)
    index = program.function_index(function)
    database = Database(program, ":memory:")
    name = program.new_text("twice")
    handle = database._handle
    assert exports.sqlite3_create_function_v2(handle, name, 1, UTF8, 0, index, 0, 0, 0) == OK
    assert database.execute("SELECT twice(1.25), twice(a) FROM (SELECT 4 AS a)") == [(2.5, 8.0)]


def test_a_file_cannot_become_larger_than_its_directory() -> None:
    directory = VirtualDir(max_bytes=100_000)
    with sqlite(wasi=WasiConfig(preopens={"/": directory})) as program:
        database = Database(program, "/test.db")
        database.execute("CREATE TABLE t (a)")
        with pytest.raises(sqlite3.OperationalError, match=r"full|disk I/O"):
            database.execute("INSERT INTO t VALUES (zeroblob(200000))")
        assert database.execute("SELECT count(*) FROM t") == [(0,)]


def test_without_a_directory_there_are_no_files() -> None:
    with sqlite() as program, pytest.raises(sqlite3.OperationalError, match="unable to open"):
        Database(program, "/test.db")


def test_sqlites_own_package_writes_files_that_python_reads(tmp_path: Path) -> None:
    directory = VirtualDir()
    data = SQLITE.read("package/sqlite-wasm/jswasm/sqlite3.wasm")
    with emscripten.load(data, wasi=WasiConfig(preopens={"/": directory})) as program:
        database = Database(program, "/test.db")
        database.execute("CREATE TABLE t (a, b)")
        database.execute("INSERT INTO t VALUES (?, ?)", 1, "text")
        assert database.execute("SELECT a + 1, upper(b) FROM t") == [(2, "TEXT")]
        database.close()
    (tmp_path / "test.db").write_bytes(directory["test.db"])
    with sqlite3.connect(tmp_path / "test.db") as there:
        assert there.execute("SELECT * FROM t").fetchall() == [(1, "text")]
    there.close()
