# SPDX-License-Identifier: MIT
"""examples/gallery/sqlite: SQLite in a sandbox as a DB-API 2.0 module.

The public compliance tests of the DB-API say whether the module is one: the file dbapi20.py of the
package `dbapi-compliance`, as it is. Python's own module `sqlite3` says what statements give, and
reads and writes the same files.
"""

from __future__ import annotations

import contextlib
import datetime
import importlib.util
import io
import random
import sqlite3
import sys
import threading
import unittest
import zipimport
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

import pywasm3
from gallery_helpers import run_first_lines
from helpers import TESTS, import_file
from pip_helpers import download
from pywasm3.wasi import HostDir, VirtualDir

EXAMPLE = TESTS.parent / "examples" / "gallery" / "sqlite"

SUITE = "dbapi-compliance==1.15.0"
SUITE_ARCHIVE = "dbapi-compliance-1.15.0.zip"
SUITE_SHA256 = "d20568877e2569e85679d2324de25bf5580156f7d9ab847fc43a72a98d326c40"
SUITE_TESTS = 36

# It counts for ever.
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def db() -> Iterator[ModuleType]:
    """The example's module, with its guest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLE)
        module = importlib.import_module("wasm_sqlite")
        build = importlib.import_module("wasm_sqlite.build")
        try:
            build.load()
        except build.NotAvailable as reason:
            pytest.skip(str(reason))
        yield module


@pytest.fixture
def memory(db: ModuleType) -> Any:
    """A connection to a new database in the memory of the guest."""
    return db.connect(":memory:")


# --- the compliance tests


@pytest.fixture(scope="module")
def suite() -> ModuleType:
    """The module dbapi20, imported from the archive that pip downloads."""
    archive = download(SUITE, SUITE_ARCHIVE, SUITE_SHA256, "--no-binary=:all:")
    finder = zipimport.zipimporter(str(archive / archive.stem))
    found = finder.find_spec("dbapi20")
    assert found is not None
    module = importlib.util.module_from_spec(found)
    finder.exec_module(module)
    return module


@pytest.mark.parametrize("place", ["memory", "file object", "virtual directory", "host directory"])
def test_the_compliance_tests_of_the_db_api_pass(
    db: ModuleType, suite: ModuleType, place: str, tmp_path: Path
) -> None:
    """The suite wants drivers to override two of its tests, which it cannot know the result of."""
    name = "bar.db" if "directory" in place else ":memory:"
    directory = {"virtual directory": VirtualDir({}), "host directory": HostDir(tmp_path)}

    class Compliance(suite.DatabaseAPI20Test):  # type: ignore[misc]
        driver = db
        connect_args = (io.BytesIO(),) if place == "file object" else (name,)
        connect_kw_args: ClassVar[dict[str, Any]] = {"directory": directory.get(place)}

        def test_nextset(self) -> None:
            self.assertFalse(hasattr(self._connect().cursor(), "nextset"))

        def test_setoutputsize(self) -> None:
            self.assertIsNone(self._connect().cursor().setoutputsize(1))

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Compliance).run(result)
    assert [text for _, text in [*result.failures, *result.errors]] == []
    assert (result.testsRun, result.skipped) == (SUITE_TESTS, [])


# --- Python's own tests


# What these tests want of `sqlite3` beyond PEP 249, or other than it: texts of messages, classes of
# cursors, limits, warnings, and fetchone() without a SELECT.
DIFFERENT = {
    "test_cursor_wrong_class",
    "test_execute_multiple_statements",
    "test_execute_named_param_and_sequence",
    "test_execute_non_iterable",
    "test_execute_too_many_params",
    "test_execute_with_appended_comments",
    "test_fetchone_no_statement",
    "test_on_conflict_fail",
}
OWN_CLASSES = ("CursorTests", "ClosedCurTests", "ConstructorTests", "SqliteOnConflictTests")


def test_the_tests_of_cursors_that_python_has_pass(
    db: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many installations of Python come without its tests."""
    try:
        found = importlib.util.find_spec("test.test_sqlite3.test_dbapi")
    except ModuleNotFoundError:
        found = None
    if found is None or found.loader is None:
        pytest.skip("this Python has no test.test_sqlite3")
    stand_in = ModuleType("sqlite3")
    constants = {key: value for key, value in vars(sqlite3).items() if key.isupper()}
    vars(stand_in).update(constants, sqlite_version_info=sqlite3.sqlite_version_info)
    vars(stand_in).update({name: getattr(db, name) for name in db.__all__})
    monkeypatch.setitem(sys.modules, "sqlite3", stand_in)
    tests = importlib.util.module_from_spec(found)
    found.loader.exec_module(tests)

    result = unittest.TestResult()
    for name in OWN_CLASSES:
        unittest.defaultTestLoader.loadTestsFromTestCase(getattr(tests, name)).run(result)
    failed = {
        getattr(test, "test_case", test)._testMethodName: text
        for test, text in [*result.failures, *result.errors]
    }
    assert {name: text for name, text in failed.items() if name not in DIFFERENT} == {}
    assert result.testsRun >= 60


# --- the example


@pytest.mark.skipif(sys.version_info < (3, 11), reason="sqlite3 cannot read bytes before 3.11")
def test_the_page_shows_the_output_of_the_demonstration(
    db: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    import_file(EXAMPLE / "demo.py").main()
    page = (TESTS.parent / "docs" / "gallery" / "sqlite.md").read_text()
    assert f"```\n{capsys.readouterr().out}```" in page


def test_the_first_lines_of_the_page_work(
    db: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "music.db")) as native:
        native.execute("CREATE TABLE songs (title, year)")
        native.execute("INSERT INTO songs VALUES ('Help!', 1965), ('Imagine', 1971)")
        native.commit()
    run_first_lines("sqlite.md", tmp_path)
    assert capsys.readouterr().out == "Help! 1965\n"


def test_the_comparison_gives_the_same_results(db: ModuleType) -> None:
    comparison = import_file(EXAMPLE / "compare.py")
    comparison.ROWS = 200
    ours, theirs = db.connect(":memory:"), sqlite3.connect(":memory:")
    for work in comparison.WORKS:
        results = [work(connection) for connection in (ours, theirs)]
        rows = [list(one) if isinstance(one, (tuple, list)) else None for one in results]
        assert rows[0] == rows[1], work
    theirs.close()


# --- the same as Python's sqlite3


def _values(chance: random.Random) -> Any:
    """Returns a value of any type that SQLite has."""
    return chance.choice(
        [
            None,
            chance.randrange(-3, 4),
            chance.randrange(-(2**63), 2**63),
            chance.randrange(-1000, 1000) / 8,  # releases of SQLite show long fractions differently
            float("inf"),
            chance.choice(["", "a", "Ärger", "\U0001f40d", "a\0b", "12", "1e3"]),
            chance.randbytes(chance.randrange(5)),
        ]
    )


def _statement(chance: random.Random) -> tuple[str, tuple[Any, ...]]:
    """Returns a random statement on a table t(a, b, c), and its parameters."""
    column, other = chance.choice("abc"), chance.choice("abc")
    compare = chance.choice(["<", "<=", "=", "<>", "IS", "IS NOT", "LIKE", "GLOB"])
    value = chance.choice(["abs(?)", "typeof(?)", "hex(?)", "length(?)", "? || b", "-?", "? + c"])
    where = f"WHERE {column} {compare} ?"
    return chance.choice(
        [
            ("INSERT INTO t VALUES (?, ?, ?)", tuple(_values(chance) for _ in range(3))),
            ("INSERT OR IGNORE INTO t(a) VALUES (?)", (chance.randrange(9),)),
            (f"UPDATE OR REPLACE t SET {column} = ? {where}", (_values(chance), _values(chance))),
            (f"DELETE FROM t {where} AND {other} > ?", (_values(chance), _values(chance))),
            (f"SELECT * FROM t {where} ORDER BY {other}, rowid", (_values(chance),)),
            (f"SELECT {value}, {other} FROM t ORDER BY rowid", (_values(chance),)),
            (f"SELECT {other}, count(*), max({column}) FROM t GROUP BY 1 ORDER BY 1, 3", ()),
            (f"SELECT t.a, u.b FROM t JOIN t u ON t.{column} = u.{other} ORDER BY 1, 2", ()),
            ("SELECT nothing FROM t", ()),
            ("INSERT INTO t VALUES (?, ?, 'not unique')", (1, _values(chance))),
        ]
    )


def _outcome(connection: Any, module: ModuleType, sql: str, values: tuple[Any, ...]) -> Any:
    try:
        cursor = connection.execute(sql, values)
        rows = cursor.fetchall() if cursor.description else []
    except (module.Error, OverflowError) as error:
        return type(error).__name__
    names = [column[0] for column in cursor.description or ()]
    return rows, names, cursor.rowcount, cursor.lastrowid, connection.in_transaction


@pytest.mark.parametrize("seed", range(5))
def test_random_statements_give_what_the_module_of_python_gives(db: ModuleType, seed: int) -> None:
    chance = random.Random(seed)
    ours = db.connect(":memory:")
    with contextlib.closing(sqlite3.connect(":memory:")) as theirs:
        for connection in (ours, theirs):
            connection.execute("CREATE TABLE t(a, b NUMERIC, c TEXT UNIQUE)")
        for step in range(300):
            if chance.random() < 0.05:
                end = chance.choice(["commit", "rollback"])
                getattr(ours, end)()
                getattr(theirs, end)()
            sql, values = _statement(chance)
            expected = _outcome(theirs, sqlite3, sql, values)
            assert _outcome(ours, db, sql, values) == expected, (step, sql, values)
        assert ours.total_changes == theirs.total_changes


def test_dates_and_buffers_are_parameters(db: ModuleType, memory: Any) -> None:
    given = (
        db.Date(2026, 1, 2),
        db.Time(3, 4, 5),
        db.Timestamp(2026, 1, 2, 3, 4, 5),
        db.Binary(b"\0\xff"),
        bytearray(b"array"),
        True,
        datetime.date(1, 1, 1),
    )
    assert memory.execute("SELECT ?, ?, ?, ?, ?, ?, ?", given).fetchone() == (
        "2026-01-02",
        "03:04:05",
        "2026-01-02 03:04:05",
        b"\0\xff",
        b"array",
        1,
        "0001-01-01",
    )


def test_a_database_in_utf_16_gives_texts(memory: Any) -> None:
    memory.executescript("PRAGMA encoding = 'UTF-16'; CREATE TABLE t(a)")
    memory.execute("INSERT INTO t VALUES (?)", ("Ä\U0001f40d",))
    rows = memory.execute("SELECT a, hex(a), length(a) FROM t").fetchall()
    assert rows == [("Ä\U0001f40d", "C4003DD80DDC", 2)]


def test_parameters_can_have_names(db: ModuleType, memory: Any) -> None:
    assert memory.execute("SELECT :a, @b, $a", {"a": 1, "b": 2}).fetchone() == (1, 2, 1)
    with pytest.raises(db.ProgrammingError, match=":a was not given"):
        memory.execute("SELECT :a", {})


@pytest.mark.parametrize(
    ("sql", "parameters", "message"),
    [
        ("SELECT ?", (), "has 1 parameters, and 0 were given"),
        ("SELECT 1; SELECT 2", (), "more than one statement"),
        ("SELECT 1\0", (), "NUL"),
        ("SELECT ?", (object(),), "no type for the type 'object'"),
    ],
)
def test_a_wrong_statement_is_a_programming_error(
    db: ModuleType, memory: Any, sql: str, parameters: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(db.ProgrammingError, match=message):
        memory.execute(sql, parameters)
    assert memory.execute("SELECT 1; -- and a comment").fetchone() == (1,)


def test_a_number_of_more_than_64_bits_is_an_overflow(memory: Any) -> None:
    with pytest.raises(OverflowError):
        memory.execute("SELECT ?", (2**63,))


def test_a_cursor_can_be_dropped_in_the_middle_of_its_rows(memory: Any) -> None:
    memory.executescript("CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)")
    cursor = memory.execute("SELECT a FROM t")
    assert next(cursor) == (1,)
    del cursor
    memory.execute("DROP TABLE t")


def test_a_statement_that_runs_again_sees_a_changed_schema(memory: Any) -> None:
    memory.execute("CREATE TABLE t(a)")
    for change in ("ALTER TABLE t ADD b", "ALTER TABLE t RENAME a TO c", "DROP TABLE t"):
        cursor = memory.execute("SELECT * FROM t")
        expected = [column[1] for column in memory.execute("PRAGMA table_info(t)")]
        assert [column[0] for column in cursor.description] == expected
        cursor.close()
        memory.executescript(change)


def test_a_with_block_commits_or_undoes(memory: Any) -> None:
    memory.execute("CREATE TABLE t(a)")
    with memory:
        memory.execute("INSERT INTO t VALUES (1)")
    with contextlib.suppress(ZeroDivisionError), memory:
        memory.execute("INSERT INTO t VALUES (2)")
        raise ZeroDivisionError
    assert memory.execute("SELECT a FROM t").fetchall() == [(1,)]


def test_a_with_block_lets_the_error_of_a_stopped_statement_pass(db: ModuleType) -> None:
    connection = db.connect(":memory:", limits=pywasm3.Limits(fuel=100_000))
    with pytest.raises(db.OperationalError, match="out of fuel"), connection:
        connection.execute(ENDLESS)


def test_a_connection_is_closed_although_closing_it_fails(db: ModuleType) -> None:
    file = Odd()
    _filled(db, file)
    connection = db.connect(file)
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("UPDATE t SET b = b || a")
    file.calls = 0
    with contextlib.suppress(OSError):
        connection.close()
    with pytest.raises(db.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


def test_another_thread_cannot_use_a_connection(db: ModuleType, memory: Any) -> None:
    raised = []

    def use() -> None:
        try:
            memory.execute("SELECT 1")
        except db.ProgrammingError as error:
            raised.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert len(raised) == 1


# --- functions of Python


def test_a_python_function_gets_and_returns_every_type(memory: Any) -> None:
    memory.create_function("same", 1, lambda value: value)
    values = (None, -(2**63), 2.5, "ä\0b", b"\0\1", "", b"")
    rows = memory.execute(
        "SELECT same(?), same(?), same(?), same(?), same(?), same(?), same(?)", values
    )
    assert rows.fetchone() == values


def test_an_exception_of_a_python_function_arrives_as_it_is(memory: Any) -> None:
    raised = KeyError("from within")

    def fail(*_: object) -> None:
        raise raised

    memory.create_function("fail", -1, fail)
    with pytest.raises(KeyError) as caught:
        memory.execute("SELECT fail(1, 2)")
    assert caught.value is raised
    assert memory.execute("SELECT 1").fetchone() == (1,)


def test_a_python_function_can_ask_the_same_database(memory: Any) -> None:
    memory.create_function("twice", 1, lambda a: memory.execute("SELECT 2 * ?", (a,)).fetchone()[0])
    assert memory.execute("SELECT twice(twice(3))").fetchone() == (12,)


def test_a_python_function_cannot_end_what_runs(db: ModuleType, memory: Any) -> None:
    cursor = memory.cursor()
    memory.create_function("close", 0, lambda: memory.close())
    memory.create_function("again", 0, lambda: cursor.execute("SELECT 1"))
    with pytest.raises(db.ProgrammingError, match="cannot close"):
        memory.execute("SELECT close()")
    with pytest.raises(db.ProgrammingError, match="cannot use its cursor"):
        for _ in cursor.execute("SELECT 1 UNION ALL SELECT again()"):
            pass
    assert memory.execute("SELECT 1").fetchone() == (1,)


def test_a_hostile_database_calls_no_python_function(db: ModuleType, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "hostile.db")) as theirs:
        theirs.create_function("steal", 0, lambda: 1)
        theirs.executescript("CREATE VIEW v AS SELECT steal()")
    ours = db.connect(io.BytesIO((tmp_path / "hostile.db").read_bytes()))
    ours.create_function("steal", 0, lambda: pytest.fail("the view called a function"))
    with pytest.raises(db.OperationalError, match="unsafe use of steal"):
        ours.execute("SELECT * FROM v")


# --- files


def test_python_reads_what_the_sandbox_writes_and_the_reverse(
    db: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "both.db"
    rows = [(None, 1), ("ä", 2.5), (b"\0", -(2**63))]
    with contextlib.closing(sqlite3.connect(path)) as theirs, theirs:
        theirs.execute("CREATE TABLE t(a, b)")
        theirs.executemany("INSERT INTO t VALUES (?, ?)", rows)
    with path.open("r+b") as file:
        ours = db.connect(file)
        assert ours.execute("SELECT * FROM t").fetchall() == rows
        ours.executemany("INSERT INTO t VALUES (?, ?)", rows)
        ours.commit()
        ours.close()
    ours = db.connect("both.db", directory=HostDir(tmp_path))
    ours.executemany("INSERT INTO t VALUES (?, ?)", rows)
    ours.commit()
    ours.close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["both.db"]
    with contextlib.closing(sqlite3.connect(path)) as theirs:
        assert theirs.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert theirs.execute("SELECT * FROM t").fetchall() == rows * 3


def test_a_virtual_directory_keeps_a_database(db: ModuleType) -> None:
    directory = VirtualDir({})
    ours = db.connect("kept.db", directory=directory)
    ours.executescript("CREATE TABLE t(a); INSERT INTO t VALUES (42)")
    ours.close()
    again = db.connect("kept.db", directory=directory)
    assert again.execute("SELECT a FROM t").fetchall() == [(42,)]


def test_a_database_reaches_no_other_file(db: ModuleType, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "outside.db").write_bytes(b"")
    ours = db.connect("a.db", directory=HostDir(inside))
    for name in ("/../outside.db", "../outside.db", str(tmp_path / "outside.db")):
        with contextlib.suppress(db.OperationalError):
            ours.execute("ATTACH ? AS other", (name,))
            ours.executescript("CREATE TABLE other.t(a); DETACH other")
    assert (tmp_path / "outside.db").read_bytes() == b""
    assert {entry.name for entry in tmp_path.iterdir()} == {"inside", "outside.db"}
    ours = db.connect(io.BytesIO())
    with pytest.raises(db.OperationalError, match="unable to open"):
        ours.execute("ATTACH 'other.db' AS other")


def test_a_name_without_a_directory_is_refused(db: ModuleType) -> None:
    with pytest.raises(ValueError, match="directory="):
        db.connect("some.db")


def test_a_read_only_directory_gives_a_read_only_database(db: ModuleType, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "a.db")) as theirs:
        theirs.executescript("CREATE TABLE t(a); INSERT INTO t VALUES (1)")
    ours = db.connect("a.db", directory=HostDir(tmp_path, read_only=True))
    assert ours.execute("SELECT a FROM t").fetchall() == [(1,)]
    with pytest.raises(db.OperationalError, match="readonly"):
        ours.execute("INSERT INTO t VALUES (2)")


class Odd(io.BytesIO):
    """A file object that gives and takes at most a few bytes at once, and can fail.

    Attributes:
        calls: The number of calls after which each one fails, or None.
        error: What it raises then.
    """

    calls: int | None = None
    error: BaseException = OSError("the disk is gone")

    def _count(self) -> None:
        if self.calls is not None:
            self.calls -= 1
            if self.calls < 0:
                raise self.error

    def read(self, size: int | None = -1) -> bytes:
        self._count()
        return super().read(min(size or 0, 1000))

    def write(self, data: Any) -> int:
        self._count()
        return super().write(data[:1000])


def _filled(db: ModuleType, file: io.BytesIO) -> None:
    connection = db.connect(file)
    connection.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)")
    connection.executemany("INSERT INTO t(b) VALUES (?)", (("x" * 500,) for _ in range(50)))
    connection.commit()
    connection.close()


def test_short_reads_and_writes_are_continued(db: ModuleType) -> None:
    file = Odd()
    _filled(db, file)
    assert db.connect(file).execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("error", [OSError("gone"), KeyboardInterrupt("now"), ValueError("odd")])
def test_an_exception_of_the_file_object_arrives_as_it_is(
    db: ModuleType, error: BaseException
) -> None:
    """Whenever it comes, the transaction is undone, and the connection goes on."""
    file = Odd()
    _filled(db, file)
    before = file.getvalue()
    failed = 0
    for calls in range(60):
        file.seek(0)
        file.truncate()
        io.BytesIO.write(file, before)
        connection = db.connect(file)
        file.calls, file.error = calls, error
        try:
            connection.execute("UPDATE t SET b = b || a")
            connection.commit()
        except BaseException as caught:
            assert caught is error
            failed += 1
        file.calls = None
        connection.rollback()
        total = connection.execute("SELECT sum(length(b) > 500) FROM t").fetchone()[0]
        assert total in ((0,) if failed > calls else (50,))
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()
    assert failed > 20


@pytest.mark.parametrize(
    ("method", "result", "error"),
    [
        ("read", None, TypeError),
        ("read", "text", TypeError),
        ("read", bytes(10_000), ValueError),
        ("write", None, OSError),
        ("write", -1, OSError),
        ("write", 10**6, OSError),
        ("write", 0, OSError),
    ],
)
def test_a_wrong_file_object_is_an_error(
    db: ModuleType, method: str, result: object, error: type[Exception]
) -> None:
    file = io.BytesIO()
    _filled(db, file)
    wrong = type("Wrong", (io.BytesIO,), {method: lambda self, _: result})(file.getvalue())
    with pytest.raises(error, match=f"{method}\\(\\) of the file object"):
        connection = db.connect(wrong)
        connection.execute("DELETE FROM t")
        connection.commit()


def test_a_file_object_that_cannot_write_can_be_read(db: ModuleType, tmp_path: Path) -> None:
    file = io.BytesIO()
    _filled(db, file)
    path = tmp_path / "a.db"
    path.write_bytes(file.getvalue())
    with path.open("rb") as read_only:
        connection = db.connect(read_only)
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (50,)
        with pytest.raises(db.OperationalError, match="readonly"):
            connection.execute("DELETE FROM t")
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (50,)


def test_a_file_object_does_not_grow_without_limit(db: ModuleType) -> None:
    file = io.BytesIO()
    connection = db.connect(file, max_file_bytes=100_000)
    connection.execute("CREATE TABLE t(a)")
    with pytest.raises(db.OperationalError, match="full"):
        connection.execute("INSERT INTO t VALUES (zeroblob(200000))")
        connection.commit()
    connection.rollback()
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)
    assert len(file.getvalue()) <= 100_000


# --- hostile databases


@pytest.mark.parametrize(
    "call",
    [
        ("open", 0xFFFFFFFF, 8, 6),
        ("open", 0, 0xFFFFFFFF, 6),
        ("read", 9, 0, 8, 0),
        ("read", 0, 65532, 8, 0),
        ("read", 0, 0, 8, -1),
        ("read", 0, 0, -8, 0),
        ("write", 0, 65532, 8, 0),
        ("write", 0, 0, 8, -(2**63)),
        ("write", 1, 0, 8, 2**63 - 1),
        ("truncate", 0, 2**40),
        ("truncate", 0, -1),
        ("delete", 0, 8),
        ("size", 2),
        ("sync", 2),
    ],
    ids=str,
)
def test_a_guest_that_asks_for_what_is_not_there_gets_an_error(
    db: ModuleType, call: tuple[Any, ...]
) -> None:
    """A hostile database may have taken the guest over, which then calls the host's functions."""
    files = importlib.import_module("wasm_sqlite.files")
    file = io.BytesIO(b"database")
    objects = files.ObjectFiles(file, 1000)
    kept: list[BaseException] = []
    memory = pywasm3.Memory(1)
    memory.write(0, b"/etc/pwd")
    objects.attach(memory, kept.append)
    name, *arguments = call
    result = objects.imports()[name](*arguments)
    assert result < 0 or kept == []
    assert result <= 0
    assert (file.getvalue(), bytes(memory[:8])) == (b"database", b"/etc/pwd")


def test_damaged_databases_are_errors_or_rows(db: ModuleType) -> None:
    """Whatever the bytes are, Python gets rows or an error of the module."""
    file = io.BytesIO()
    _filled(db, file)
    good = file.getvalue()
    chance = random.Random(1)
    limits = pywasm3.Limits(memory=64 << 20, timeout=5)
    errors = 0
    for _ in range(150):
        damaged = bytearray(good)
        for _ in range(chance.choice([1, 3, 30])):
            # The first pages say where everything is.
            damaged[chance.randrange(chance.choice([100, 4200, len(good)]))] = chance.randrange(256)
        connection = db.connect(io.BytesIO(bytes(damaged)), limits=limits)
        for sql in ("SELECT * FROM t", "PRAGMA integrity_check", "DELETE FROM t WHERE a > 7"):
            try:
                connection.execute(sql).close()
            except db.Error:
                errors += 1
        with contextlib.suppress(db.Error):
            connection.close()
    assert errors > 20


def test_bytes_that_are_not_a_database_are_an_error(db: ModuleType) -> None:
    connection = db.connect(io.BytesIO(b"<!DOCTYPE html>" * 100))
    with pytest.raises(db.DatabaseError, match="not a database"):
        connection.execute("SELECT * FROM sqlite_schema")


# --- limits


@pytest.mark.parametrize(
    ("limits", "cause"),
    [
        (pywasm3.Limits(fuel=3_000_000), pywasm3.OutOfFuel),
        (pywasm3.Limits(timeout=0.3), pywasm3.DeadlineExceeded),
    ],
    ids=["fuel", "timeout"],
)
@pytest.mark.parametrize("place", ["file object", "directory"])
def test_a_stopped_statement_is_undone_and_the_connection_goes_on(
    db: ModuleType, limits: pywasm3.Limits, cause: type[Exception], place: str
) -> None:
    """The cache is small, so that the transaction has changed the file when it is stopped."""
    file, directory = io.BytesIO(), VirtualDir({})
    where: dict[str, Any] = {"database": file}
    if place == "directory":
        where = {"database": "a.db", "directory": directory}
    connection = db.connect(**where, limits=limits)
    connection.execute("CREATE TABLE t(a)")
    connection.executemany("INSERT INTO t VALUES (?)", ((f"{i:3000}",) for i in range(100)))
    connection.commit()
    connection.create_function("shout", 1, str.upper)
    before = file.getvalue()
    connection.execute("PRAGMA cache_size = 10")
    connection.execute("UPDATE t SET a = a || 'changed'")
    assert place == "directory" or file.getvalue() != before
    cursor = connection.cursor()
    with pytest.raises(db.OperationalError, match="SQLite was stopped") as caught:
        cursor.execute(ENDLESS)
    assert isinstance(caught.value.__cause__, cause)
    with pytest.raises(db.ProgrammingError):
        cursor.fetchone()
    assert connection.execute("SELECT count(*) FROM t WHERE a LIKE '%c%'").fetchone() == (0,)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("SELECT shout('a')").fetchone() == ("A",)


@pytest.mark.parametrize("fuel", range(8_000, 68_000, 5_000))
def test_a_transaction_is_complete_or_undone_wherever_it_is_stopped(
    db: ModuleType, fuel: int
) -> None:
    file = io.BytesIO()
    _filled(db, file)
    connection = db.connect(file, limits=pywasm3.Limits(fuel=fuel))
    with contextlib.suppress(db.OperationalError):
        connection.execute("PRAGMA cache_size = 3")
        connection.execute("UPDATE t SET b = b || a")
        connection.commit()
    connection.close()
    again = db.connect(file)
    assert again.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    changed = again.execute("SELECT sum(length(b) > 500) FROM t").fetchone()
    assert changed in ((0,), (50,))


def test_a_file_is_whole_when_the_connection_is_closed_after_a_stop(db: ModuleType) -> None:
    file = io.BytesIO()
    _filled(db, file)
    before = file.getvalue()
    connection = db.connect(file, limits=pywasm3.Limits(fuel=200_000))
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("UPDATE t SET b = b || 'changed'")
    assert file.getvalue() != before
    with pytest.raises(db.OperationalError):
        connection.execute(ENDLESS)
    connection.close()
    assert file.getvalue() == before


def test_closing_undoes_a_transaction_that_took_more_fuel_than_a_statement_has(
    db: ModuleType,
) -> None:
    file = io.BytesIO()
    _filled(db, file)
    before = file.getvalue()
    connection = db.connect(file, limits=pywasm3.Limits(fuel=10_000))
    connection.execute("PRAGMA cache_size = 1")
    for row in range(1, 51):
        connection.execute("UPDATE t SET b = b || 'changed' WHERE a = ?", (row,))
    assert file.getvalue() != before
    connection.close()
    assert file.getvalue() == before


def test_a_database_in_memory_is_closed_by_a_stop(db: ModuleType) -> None:
    connection = db.connect(":memory:", limits=pywasm3.Limits(fuel=100_000))
    with pytest.raises(db.OperationalError, match="out of fuel"):
        connection.execute(ENDLESS)
    for _ in range(2):
        with pytest.raises(db.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")


def test_fuel_is_for_each_statement(db: ModuleType) -> None:
    connection = db.connect(":memory:", limits=pywasm3.Limits(fuel=20_000))
    for _ in range(200):
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_statement_that_needs_too_much_memory_is_a_memory_error(db: ModuleType) -> None:
    connection = db.connect(":memory:", limits=pywasm3.Limits(memory=16 << 20))
    with pytest.raises(MemoryError):
        connection.execute("SELECT hex(zeroblob(20000000))")
    with pytest.raises(MemoryError):
        connection.execute("SELECT ?", (bytes(20_000_000),))
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_interrupt_ends_a_statement_and_leaves_the_database(db: ModuleType, memory: Any) -> None:
    memory.create_function("interrupt", 0, memory.interrupt)
    memory.execute("CREATE TABLE t(a)")
    with pytest.raises(db.OperationalError, match="interrupted"):
        memory.execute(f"SELECT interrupt() UNION ALL SELECT * FROM ({ENDLESS})").fetchall()
    assert memory.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_another_thread_can_interrupt(db: ModuleType, memory: Any) -> None:
    timer = threading.Timer(0.2, memory.interrupt)
    timer.start()
    with pytest.raises(db.OperationalError, match="interrupted"):
        memory.execute(ENDLESS)
    timer.join()
    assert memory.execute("SELECT 1").fetchone() == (1,)
