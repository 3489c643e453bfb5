# SPDX-License-Identifier: MIT
"""What the real programs of `programs` are asked to do, in any engine.

Some have imports and exports with names of one or two letters, made by Emscripten. What these are
is in the JavaScript file beside the module.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

Call = Callable[..., "int | float | None"]


class Instance(Protocol):
    """An instance of a program, in some engine."""

    def function(self, name: str) -> Call:
        """Returns an export. Its integers may have any sign: compare them modulo 2**32."""

    def read(self, address: int, size: int) -> bytes:
        """Returns bytes of the memory."""

    def write(self, address: int, data: bytes) -> None:
        """Puts bytes into the memory."""


class Job(NamedTuple):
    """What an instance does.

    Attributes:
        work: Does the work once. Only this is timed.
        result: Does the work once more, and returns a number that depends on what it computed.
    """

    work: Callable[[], object]
    result: Callable[[], int]


class C:
    """Calls the functions of a program by their names in C."""

    def __init__(self, guest: Instance, names: dict[str, str] | None = None) -> None:
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


def prepare_quickjs(guest: Instance) -> Job:
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


def quickjs_result() -> int:
    """Returns what Node.js computes."""
    return 9768


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


def prepare_sqlite(guest: Instance) -> Job:
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
    import sqlite3  # Not every build of Python has it.

    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.executescript(SETUP)
        total = float(database.execute(QUERY).fetchone()[0])
    return round(total * 1000)


# --- libxml2


def prepare_libxml2(guest: Instance) -> Job:
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


def oniguruma_text() -> bytes:
    """Returns the source text, in which only the first pattern matches, at the end."""
    lines = (
        f'call_{i}("text {i} \\"quoted\\"", {i}.{i % 7}.{i % 3}-alpha); /* note {i} */ class x{i}\n'
        for i in range(100)
    )
    return ("".join(lines) + "struct Found {").encode()


def prepare_oniguruma(guest: Instance) -> Job:
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
    source = oniguruma_text()
    text, search = c.put(source), c.function("findNextOnigScannerMatch")

    numbers = itertools.count(1)  # The scanner remembers what it found in the text of a number.

    def work() -> int:
        return int(search(scanner, next(numbers), text, len(source), 0, 0))

    def result() -> int:
        found = work()  # the pattern, the number of places, and the begin and end of each
        return zlib.crc32(guest.read(found, 8 + 8 * 3)) if found else 0

    return Job(work, result)


def oniguruma_result() -> int:
    """Returns the checksum of the first pattern's places, which Python's re finds."""
    found = re.search(PATTERNS[0].replace("?<name>", "?P<name>").encode(), oniguruma_text())
    assert found
    places = [place for group in range(3) for place in found.span(group)]
    return zlib.crc32(struct.pack("<8i", 0, 3, *places))


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


def steps() -> list[list[tuple[int, int, int, int]]]:
    """Returns 80 lines with 20 places each, as the steps from one place to the next.

    A step has the column in the result, and the file, the line and the column in the source.
    """
    return [
        [
            (5 + i * j % 40, 0, int(j == 0), (-1) ** j * ((i * 13 + j // 2 * 7) % 61))
            for j in range(20)
        ]
        for i in range(80)
    ]


def mappings() -> bytes:
    """Returns the steps as a source map has them."""
    return ";".join(",".join(map(base64_vlq, line)) for line in steps()).encode()


def source_map_result() -> int:
    """Returns the checksum of all places, in the order of the result."""
    places, file, source_line, source_column = b"", 0, 0, 0
    for number, line in enumerate(steps()):
        column = 0
        for step in line:
            column += step[0]
            file, source_line = file + step[1], source_line + step[2]
            source_column += step[3]
            place = (number, column, file, source_line, source_column & 0xFFFFFFFF)
            places += struct.pack("<5I", *place)
    return zlib.crc32(places)


def prepare_source_map(guest: Instance) -> Job:
    """Parses mappings, sorts them by their place in the result, and then by that in the source."""
    allocate, parse = guest.function("allocate_mappings"), guest.function("parse_mappings")
    sort, search = guest.function("compute_column_spans"), guest.function("generated_location_for")
    free, text = guest.function("free_mappings"), mappings()

    def parsed() -> int:
        buffer = allocate(len(text))
        guest.write(int(buffer or 0), text)
        found = int(parse(buffer) or 0)
        sort(found)
        search(found, 0, 100, 5, 1)
        return found

    def work() -> None:
        free(parsed())

    def result() -> int:
        # It begins with the address of all places in the result, their capacity and their number.
        # A place has nine words, of which the third and the fourth say where the next one begins,
        # and the last two are an optional name.
        found = parsed()
        address, _, count = struct.unpack("<3I", guest.read(found, 12))
        places = struct.iter_unpack("<2I8x3I8x", guest.read(address, count * 36))
        checksum = zlib.crc32(b"".join(struct.pack("<5I", *place) for place in places))
        free(found)
        return checksum

    return Job(work, result)


# --- two formatters of TypeScript, which are plug-ins of dprint

UNFORMATTED = """
export   class Point{i}<T>  {{ constructor(private readonly x:number,public y?:T){{}}
  async  norm( scale=1 ):Promise<number>{{ const squares=[this.x,{i}].map(n=>n*n*scale)
     if(squares.length>2) {{return 0}} else {{ return squares.reduce((a,b)=>a+b,0) }} }} }}
"""
DPRINT = """
export class Point{i}<T> {{
  constructor(private readonly x: number, public y?: T) {{}}
  async norm(scale = 1): Promise<number> {{
    const squares = [this.x, {i}].map(n => n * n * scale);
    if (squares.length > 2) return 0;
    else return squares.reduce((a, b) => a + b, 0);
  }}
}}
"""
BIOME = """
export class Point{i}<T> {{
  constructor(
    private readonly x: number,
    public y?: T,
  ) {{}}
  async norm(scale = 1): Promise<number> {{
    const squares = [this.x, {i}].map((n) => n * n * scale);
    if (squares.length > 2) {{
      return 0;
    }} else {{
      return squares.reduce((a, b) => a + b, 0);
    }}
  }}
}}
"""
CLASSES = 10


def prepare_formatter(guest: Instance) -> Job:
    """Formats a text. Everything goes through one buffer, whose size the guest is told first."""
    clear, address = guest.function("clear_shared_bytes"), guest.function("get_shared_bytes_ptr")
    set_path, format_ = guest.function("set_file_path"), guest.function("format")
    formatted = guest.function("get_formatted_text")

    def send(data: bytes) -> None:
        guest.write(int(clear(len(data)) or 0), data)

    send(json.dumps({"plugin": {}, "global": {}}).encode())
    guest.function("register_config")(1)
    source = "".join(UNFORMATTED.format(i=i) for i in range(CLASSES)).encode()

    def work() -> bytes:
        send(b"/bench.ts")
        set_path()
        send(source)
        if format_(1) != 1:
            raise AssertionError("the formatter reports an error, or that nothing changed")
        size = int(formatted() or 0)
        return guest.read(int(address() or 0), size)

    return Job(work, lambda: zlib.crc32(work()))


def _formatted(template: str) -> str:
    return "".join(template.format(i=i) for i in range(CLASSES)).lstrip()


def dprint_result() -> int:
    """Returns the checksum of the text as the rules of dprint's own plug-in want it."""
    return zlib.crc32(_formatted(DPRINT).encode())


def biome_result() -> int:
    """Returns the checksum of the text as the rules of Biome want it, with tabs."""
    return zlib.crc32(_formatted(BIOME).replace("  ", "\t").encode())


# --- CRuby

RUBY = """
words = (0...300).map { |i| "w#{i * 7 % 31}" }
words.tally.sort.map { |word, count| "#{word}=#{count * 2}" }.join(",")
"""


def prepare_ruby(guest: Instance) -> Job:
    """Starts the interpreter, and evaluates a script whose value is a text."""

    # Names in this interface carry their types, of which only the part before the colon matters.
    def c(name: str, types: str = "") -> Call:
        return guest.function(f"{name}: func({types}")

    allocate = guest.function("cabi_realloc")

    def put(data: bytes, alignment: int = 1) -> int:
        address = int(allocate(0, 0, alignment, len(data)) or 0)
        guest.write(address, data)
        return address

    def pair(address: int) -> tuple[int, int]:
        first, second = struct.unpack("<II", guest.read(address, 8))
        return first, second

    guest.function("_initialize")()
    words = [word.encode() for word in ("ruby", "--disable-gems", "-EUTF-8", "-e_=0")]
    pointers = (struct.pack("<II", put(word + b"\0"), len(word)) for word in words)
    c("ruby-init", "args: list<string>) -> ()")(put(b"".join(pointers), 4), len(words))
    evaluate = c("rb-eval-string-protect", "str: string) -> tuple<handle<rb-abi-value>, s32>")
    contents = c("rstring-ptr", "value: handle<rb-abi-value>) -> string")
    drop = guest.function("canonical_abi_drop_rb-abi-value")
    source = RUBY.encode()

    def work() -> bytes:
        value, state = pair(int(evaluate(put(source), len(source)) or 0))
        if state:
            raise AssertionError("the script raises an exception")
        address, size = pair(int(contents(value) or 0))
        text = guest.read(address, size)
        drop(value)
        return text

    return Job(work, lambda: zlib.crc32(work()))


def ruby_result() -> int:
    """Returns the checksum of the text, as Python computes it."""
    counts: dict[str, int] = {}
    for i in range(300):
        word = f"w{i * 7 % 31}"
        counts[word] = counts.get(word, 0) + 1
    text = ",".join(f"{word}={count * 2}" for word, count in sorted(counts.items()))
    return zlib.crc32(text.encode())
