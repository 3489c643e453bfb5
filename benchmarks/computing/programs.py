# SPDX-License-Identifier: MIT
"""The rows of compute.py that are whole programs, which others compiled: npm downloads them once.

A version and the SHA-256 of the archive pin each. They were chosen because they run in stock wasm3,
which has neither exceptions nor SIMD, and because they import nothing that matters here. Some have
imports and exports with names of one or two letters, made by Emscripten. What these are is in the
JavaScript file beside the module.
"""

import base64
import contextlib
import itertools
import re
import sqlite3
import struct
import sys
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from .engines import ROOT, Guest
from .rows import Job, Row

sys.path.insert(0, str(ROOT / "tests"))
from npm_helpers import Package

QUICKJS = Package(
    "@jitl/quickjs-wasmfile-release-sync",
    "0.31.0",
    "444447b0add93f8dc9eff634f3f67016d49281a81aad9f6a1de6a75cee1086a2",
)
SQLITE = Package(
    "sql.js", "1.13.0", "6d70e68446df85ac8f56e34dd10986cfe1182335cb0f071b71b3f007bc33394a"
)
LIBXML2 = Package(
    "libxml2-wasm", "0.5.0", "a8234d1e9b6610fdcd29ce4196d21f2f5f5220c683b9350c296d27f11a72710d"
)
ONIGURUMA = Package(
    "vscode-oniguruma", "2.0.1", "3b42911fd9609f2cc3b9c6dd52236b3da73780e633aa7dc381267006b7e7da21"
)
SOURCE_MAP = Package(
    "source-map", "0.7.4", "65dea7e28963ef0ade5a47a6921d34782f9fb35863045ef8604ec90673947d3d"
)

# Emscripten's name for the function that copies large pieces of memory.
COPIES = frozenset({"emscripten_memcpy_big"})


class C:
    """Calls the functions of a program by their names in C."""

    def __init__(self, guest: Guest, names: dict[str, str] | None = None) -> None:
        """The dictionary has the names of exports by those in C, where they differ."""
        self._guest, self._names = guest, names or {}
        self._malloc = self.function("malloc")

    def function(self, name: str) -> Callable[..., Any]:
        """Returns an export."""
        return self._guest.function(self._names.get(name, name))

    def put(self, data: bytes) -> int:
        """Allocates memory for bytes, and returns their address."""
        address = int(self._malloc(max(len(data), 1))) & 0xFFFFFFFF
        self._guest.write(address, data)
        return address

    def text(self, text: str) -> int:
        """Allocates memory for a string that ends with a zero."""
        return self.put(text.encode() + b"\0")

    def word(self, address: int) -> int:
        """Reads a 32-bit number."""
        return int.from_bytes(self._guest.read(address, 4), "little")

    def double(self, address: int) -> float:
        """Reads a 64-bit float."""
        return float(struct.unpack("<d", self._guest.read(address, 8))[0])


# --- QuickJS

SCRIPT = """
class Point {
  constructor(x, y) { this.x = x; this.y = y; }
  norm() { return this.x * this.x + this.y; }
}
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
function run(n) {
  const counts = new Map(), words = [];
  let sum = fib(12);
  for (let i = 0; i < n; i++) {
    const point = new Point(i % 13, i / 2);
    sum += point.norm();
    words.push(`w${i % 31}-${(i * 7) % 11}`);
  }
  for (const word of words) counts.set(word, (counts.get(word) || 0) + 1);
  words.sort((a, b) => a < b ? 1 : a > b ? -1 : 0);
  sum += [...counts.values()].filter(c => c > 1).map(c => c * 3).reduce((a, b) => a + b, 0);
  const { list } = JSON.parse(JSON.stringify({ list: words.slice(0, 40), n }));
  return sum + list.join().replace(/[0-9]+/g, d => d.length).length;
}
"""


def prepare_quickjs(guest: Guest) -> Job:
    """Evaluates a script, which defines a function, and calls that from a second script."""
    c = C(guest, {"malloc": "u", "QTS_NewRuntime": "H", "QTS_NewContext": "K", "QTS_Eval": "ma",
                  "QTS_GetFloat64": "W", "QTS_FreeValuePointer": "M"})  # fmt: skip
    guest.function("t")()  # __wasm_call_ctors
    context = c.function("QTS_NewContext")(c.function("QTS_NewRuntime")(), 0)
    evaluate, number, free = map(c.function, ("QTS_Eval", "QTS_GetFloat64", "QTS_FreeValuePointer"))
    name = c.text("bench.js")

    def run(source: int, size: int) -> float:
        value = evaluate(context, source, size, name, 0, 0)
        result = float(number(context, value))
        free(context, value)
        return result

    run(c.text(SCRIPT), len(SCRIPT))
    call = "run(120)"
    source = c.text(call)

    def work() -> float:
        return run(source, len(call))

    return Job(work, lambda: round(work()))


# --- SQLite

SETUP = """
CREATE TABLE item (id INTEGER PRIMARY KEY, kind INTEGER, name TEXT, price REAL);
CREATE TABLE kind (id INTEGER PRIMARY KEY, title TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
  INSERT INTO item SELECT i, i * 7 % 20, 'item ' || (i * 31 % 1000), i * 0.25 FROM n;
INSERT INTO kind SELECT DISTINCT kind, 'kind ' || kind FROM item;
CREATE INDEX item_name ON item(name);
"""
QUERY = """
SELECT sum(total) FROM (
  SELECT kind.title, count(*) * avg(price) + length(group_concat(upper(item.name))) AS total
  FROM item JOIN kind ON kind.id = item.kind
  WHERE item.name LIKE '%7%' OR item.name BETWEEN 'item 2' AND 'item 4'
  GROUP BY kind.title ORDER BY total DESC, kind.title)
"""


def prepare_sqlite(guest: Guest) -> Job:
    """Makes a database in memory. The work is a query, from its text to its result."""
    c = C(guest, {"malloc": "Da", "sqlite3_open": "Ca", "sqlite3_exec": "U", "sqlite3_step": "S",
                  "sqlite3_prepare_v2": "R", "sqlite3_column_double": "qa",
                  "sqlite3_finalize": "V"})  # fmt: skip
    guest.function("N")()  # __wasm_call_ctors
    cell, query = c.put(bytes(4)), c.text(QUERY)
    assert not c.function("sqlite3_open")(c.text(":memory:"), cell)
    database = c.word(cell)
    assert not c.function("sqlite3_exec")(database, c.text(SETUP), 0, 0, 0)
    prepare, step = c.function("sqlite3_prepare_v2"), c.function("sqlite3_step")
    column, finalize = c.function("sqlite3_column_double"), c.function("sqlite3_finalize")

    def work() -> float:
        prepare(database, query, -1, cell, 0)
        statement = c.word(cell)
        step(statement)
        result = float(column(statement, 0))
        finalize(statement)
        return result

    return Job(work, lambda: round(work() * 1000))


def sqlite_result() -> int:
    """Returns the result of the query, from the SQLite that Python contains."""
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.executescript(SETUP)
        return round(database.execute(QUERY).fetchone()[0] * 1000)


# --- libxml2


def read_libxml2() -> bytes:
    """The module is written as base64 in a JavaScript file."""
    script = LIBXML2.read("package/lib/libxml2raw.cjs")
    found = re.search(rb"AGFzbQ[A-Za-z0-9+/=]*", script)  # It begins like every module.
    assert found
    return base64.b64decode(found.group())


def prepare_libxml2(guest: Guest) -> Job:
    """Parses a document and evaluates an expression of XPath in it."""
    c = C(guest)
    c.function("__wasm_call_ctors")()
    items = "".join(
        f'<item id="i{i}" kind="k{i % 7}"><name>näme &amp; {i}</name><price>{i % 90}.5</price>'
        f"<!-- {i} --><tag>t{i % 5}</tag></item>\n"
        for i in range(200)
    )
    document = f'<?xml version="1.0"?>\n<list xmlns:x="urn:x">{items}</list>'.encode()
    expression = c.text("sum(//item[@kind='k3' and tag!='t1']/price) + count(//*)")
    text, url = c.put(document), c.text("list.xml")
    new, read, free_parser, new_xpath, compile_, evaluate, free_compiled, free_object, free_xpath, (
        free
    ) = (
        c.function(f"xml{name}")
        for name in (
            "NewParserCtxt", "CtxtReadMemory", "FreeParserCtxt", "XPathNewContext",
            "XPathCtxtCompile", "XPathCompiledEval", "XPathFreeCompExpr", "XPathFreeObject",
            "XPathFreeContext", "FreeDoc",
        )
    )  # fmt: skip

    def work() -> float:
        parser = new()
        tree = read(parser, text, len(document), url, 0, 0)
        context = new_xpath(tree)
        compiled = compile_(context, expression)
        found = evaluate(compiled, context)
        result = c.double(found + 16)  # the number in an xmlXPathObject
        free_object(found)
        free_compiled(compiled)
        free_xpath(context)
        free(tree)
        free_parser(parser)
        return result

    return Job(work, lambda: round(work() * 10))


def libxml2_result() -> int:
    """Returns the value of the expression: a sum of prices, and the number of all elements."""
    prices = (i % 90 + 0.5 for i in range(200) if i % 7 == 3 and i % 5 != 1)
    return round((sum(prices) + 1 + 200 * 4) * 10)


# --- Oniguruma

PATTERNS = [
    r"\b(class|struct)\s+(?<name>[A-Z]\w+)\s*(?=\{)",
    r"(?i)\"(?:[^\"\\]|\\.)*zebra\"",
    r"(\d+)\.(\d+)\.(\d+)-(?<!alpha)beta$",
    r"/\*(?:[^*]|\*(?!/))*NEEDLE",
]
SYNTAX, CAPTURE_GROUP = 284768, 256  # ONIG_SYNTAX_DEFAULT, ONIG_OPTION_CAPTURE_GROUP


def prepare_oniguruma(guest: Guest) -> Job:
    """Searches a source text, as an editor does, for several patterns of which few match."""
    c = C(guest)
    c.function("__wasm_call_ctors")()
    addresses = [c.put(pattern.encode()) for pattern in PATTERNS]
    scanner = c.function("createOnigScanner")(
        c.put(struct.pack(f"<{len(addresses)}I", *addresses)),
        c.put(struct.pack(f"<{len(addresses)}I", *(len(p.encode()) for p in PATTERNS))),
        len(addresses), CAPTURE_GROUP, SYNTAX,
    )  # fmt: skip
    assert scanner
    lines = (
        f'call_{i}("text {i} \\"quoted\\"", {i}.{i % 7}.{i % 3}-alpha); /* note {i} */ class x{i}\n'
        for i in range(100)
    )
    source = ("".join(lines) + "struct Found {").encode()
    text, search = c.put(source), c.function("findNextOnigScannerMatch")

    numbers = itertools.count(1)  # The scanner remembers what it found in the text of a number.

    def work() -> int:
        return int(search(scanner, next(numbers), text, len(source), 0, 0))

    def result() -> int:
        found = work()
        return zlib.crc32(guest.read(found, 8 + 8 * 2)) if found else 0

    return Job(work, result)


# --- source-map

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def base64_vlq(numbers: Sequence[int]) -> str:
    """Writes numbers as source maps have them: digits of 5 bits with a sign and a continuation."""
    text = ""
    for number in numbers:
        rest = -number << 1 | 1 if number < 0 else number << 1
        while True:
            digit, rest = rest & 31, rest >> 5
            text += DIGITS[digit | (32 if rest else 0)]
            if not rest:
                break
    return text


def mappings() -> bytes:
    """Returns the mappings of 80 lines with 20 places each."""
    lines = (
        ",".join(
            base64_vlq([5 + i * j % 40, 0, int(j == 0), (-1) ** j * ((i * 13 + j // 2 * 7) % 61)])
            for j in range(20)
        )
        for i in range(80)
    )
    return ";".join(lines).encode()


def prepare_source_map(guest: Guest) -> Job:
    """Parses mappings, sorts them by their place in the result, and then by that in the source."""
    allocate, parse = guest.function("allocate_mappings"), guest.function("parse_mappings")
    sort, search = guest.function("compute_column_spans"), guest.function("generated_location_for")
    free, text = guest.function("free_mappings"), mappings()

    def work() -> None:
        buffer = allocate(len(text))
        guest.write(int(buffer or 0), text)
        parsed = parse(buffer)
        sort(parsed)
        search(parsed, 0, 100, 5, 1)
        free(parsed)

    def result() -> int:
        work()
        return zlib.crc32(guest.read(0, 1 << 20))  # what was freed is still there

    return Job(work, result)


def whole_programs() -> list[Row]:
    """Returns all rows of this file, in the order of the table."""
    # fmt: off
    return [
        Row("quickjs", "JavaScript: objects, strings, sort, JSON", "C, Emscripten",
            lambda: QUICKJS.read("package/dist/emscripten-module.wasm"), prepare_quickjs,
            9768, program=True),  # as Node.js computes

        Row("sqlite", "a query of two tables", "C, Emscripten",
            lambda: SQLITE.read("package/dist/sql-wasm.wasm"), prepare_sqlite, sqlite_result(),
            program=True),
        Row("libxml2", "parses 21 KB, evaluates XPath", "C, Emscripten", read_libxml2,
            prepare_libxml2, libxml2_result(), copies=COPIES, program=True),
        Row("oniguruma", "regular expressions, backtracking", "C, Emscripten",
            lambda: ONIGURUMA.read("package/release/onig.wasm"), prepare_oniguruma,
            copies=COPIES, program=True),
        Row("source-map", "parses and sorts 1,600 mappings", "Rust",
            lambda: SOURCE_MAP.read("package/lib/mappings.wasm"), prepare_source_map,
            program=True),
    ]
    # fmt: on
