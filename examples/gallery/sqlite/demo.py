# SPDX-License-Identifier: MIT
"""Shows what SQLite in a sandbox does, and what it cannot do.

    pip install pywasm3-cffi ziglang
    python examples/gallery/sqlite/demo.py

The first run downloads SQLite's source with npm and compiles it, which takes a minute.
"""

import io
import sqlite3

import wasm_sqlite

import pywasm3
from pywasm3.wasi import VirtualDir

SONGS = [
    ("Space Oddity", "David Bowie", 1969),
    ("Come Together", "The Beatles", 1969),
    ("Life on Mars?", "David Bowie", 1971),
    ("Imagine", "John Lennon", 1971),
]
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def show_a_file_object() -> bytes:
    """A database lives in any file object that can seek: here in an io.BytesIO."""
    print("A database in a file object of Python:")
    file = io.BytesIO()
    connection = wasm_sqlite.connect(file)
    connection.execute("CREATE TABLE songs(title TEXT, artist TEXT, year INTEGER)")
    connection.executemany("INSERT INTO songs VALUES (?, ?, ?)", SONGS)
    connection.commit()
    connection.create_function("initials", 1, lambda name: "".join(w[0] for w in name.split()))
    sql = "SELECT initials(artist), count(*), min(year) FROM songs GROUP BY artist ORDER BY 2 DESC"
    for row in connection.execute(sql):
        print("  ", row)
    [(version,)] = connection.execute("SELECT sqlite_version()")
    print(f"   SQLite {version}, {len(file.getvalue())} bytes in the file object")
    connection.close()
    return file.getvalue()


def show_the_format(data: bytes) -> None:
    """The bytes are an ordinary database, which Python's own SQLite reads."""
    print("Python's sqlite3 reads the same bytes:")
    directory = VirtualDir({"music.db": data})
    ours = wasm_sqlite.connect("music.db", directory=directory)
    theirs = sqlite3.connect(":memory:")
    if hasattr(theirs, "deserialize"):  # since Python 3.11
        theirs.deserialize(data)
        sql = "SELECT title, year FROM songs WHERE artist = ? ORDER BY year"
        rows = theirs.execute(sql, ("David Bowie",)).fetchall()
        print("  ", rows)
        print("   the same in the sandbox:", rows == ours.execute(sql, ("David Bowie",)).fetchall())
    theirs.close()
    ours.close()


def show_the_sandbox(data: bytes) -> None:
    """SQL can open files. In the sandbox there are none but those that were given."""
    print("What SQL reaches of the host:")
    connection = wasm_sqlite.connect("music.db", directory=VirtualDir({"music.db": data}))
    for sql in (
        "ATTACH '/etc/passwd' AS stolen",
        "SELECT load_extension('/tmp/evil.so')",
        "SELECT hex(randomblob(500000000))",
    ):
        try:
            connection.execute(sql)
        except (wasm_sqlite.Error, MemoryError) as error:
            print(f"   {sql}: {type(error).__name__}: {error}")
    connection.close()


def show_limits(data: bytes) -> None:
    """A statement that reaches a limit is stopped, and its transaction is undone."""
    print("A statement without an end, in the middle of a transaction:")
    file = io.BytesIO(data)
    connection = wasm_sqlite.connect(file, limits=pywasm3.Limits(fuel=5_000_000))
    connection.execute("DELETE FROM songs")
    try:
        connection.execute(ENDLESS)
    except wasm_sqlite.OperationalError as error:
        print(f"   OperationalError: {str(error).splitlines()[0]}")
    [(count,)] = connection.execute("SELECT count(*) FROM songs")
    print(f"   songs afterwards: {count}")
    connection.close()


def main() -> None:
    """Shows everything."""
    data = show_a_file_object()
    show_the_format(data)
    show_the_sandbox(data)
    show_limits(data)


if __name__ == "__main__":
    main()
