# SPDX-License-Identifier: MIT
"""A tour of pywasm3 in ten seconds: `make demo`, or `python examples/demo.py [FILE] [--png FILE]`.

FILE is the file that the SHA-256 guest hashes; without it, the guest hashes this program. `--png`
also writes the Mandelbrot picture as an image. The guests are C programs, whose sources are in
tests/guests/.
"""

import argparse
import hashlib
import importlib.util
import io
import math
import os
import platform
import shutil
import struct
import sys
import timeit
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pywasm3

GUESTS = Path(__file__).resolve().parent.parent / "tests" / "guests"


def guest(name: str, imports: Any = None) -> pywasm3.Instance:
    """Loads one of the committed guest programs."""
    return pywasm3.load(GUESTS / f"{name}.wasm", imports)


def headline(text: str) -> None:
    """Prints the title of a section."""
    print(f"\n{text}\n{'-' * len(text)}")


# --- the exports of a module, and strings that go in and out


def show_strings() -> None:
    """Calls a C program with C strings: names go in by address, greetings come back by address."""
    inst = guest("strings")
    headline(f"C strings (strings.wasm, {inst.module.size} bytes)")
    for export in inst.module.exports:
        print(f"  {export.name:10} {export.type}")

    memory = inst.memory
    for name in ("Ada", "Gödel", "世界"):
        address = inst.exports.alloc(len(name.encode()) + 1)
        memory.write_str(address, name)
        greeting = inst.exports.greet(address)
        print(f"  greet({name!r}) -> {memory.read_str(greeting)!r} at {greeting:#x}", end="")
        print(f", shouted: {memory.read_str(inst.exports.upper(greeting))!r}")
    inst.exports.release()


# --- a whole file, hashed by the guest


def show_sha256(path: Path) -> None:
    """Hashes a file piece by piece inside the guest, and compares the result with hashlib's."""
    headline(f"SHA-256 of {path.name}")
    inst = guest("sha256")
    sha, memory = inst.exports, inst.memory
    buffer, capacity = sha.buffer(), sha.buffer_size()
    expected = hashlib.sha256()

    sha.init()
    with path.open("rb") as file:
        while piece := file.read(capacity):
            memory.write(buffer, piece)
            sha.update(buffer, len(piece))
            expected.update(piece)
    digest = memory.read(sha.final(), 32)

    print(f"  guest    {digest.hex()}")
    print(f"  hashlib  {expected.hexdigest()}")
    print(f"  {'the same' if digest == expected.digest() else 'DIFFERENT'}")


# --- a picture

LIMIT = 250


def render(width: int, height: int) -> tuple[int, ...]:
    """Returns the iteration counts of a picture of the whole Mandelbrot set, row by row."""
    inst = guest("mandelbrot")
    span = max(3.1, 2.4 * width / height)
    address = inst.exports.render(width, height, -0.7, 0.0, span, LIMIT)
    counts: tuple[int, ...] = inst.memory.unpack(f"{width * height}H", address)
    return counts


def palette() -> list[tuple[int, int, int]]:
    """Returns 256 colours from blue over gold to white; the last one, for the set, is black."""
    stops = [(12, 18, 70), (38, 110, 196), (236, 240, 232), (250, 180, 40), (110, 36, 20)]
    colours = []
    for i in range(255):
        where = math.log2(1 + i) / 8 * (len(stops) - 1)
        low, high = stops[int(where)], stops[min(int(where) + 1, len(stops) - 1)]
        part = where - int(where)
        red, green, blue = (round(a + (b - a) * part) for a, b in zip(low, high, strict=True))
        colours.append((red, green, blue))
    return [*colours, (0, 0, 0)]


def colour_index(count: int) -> int:
    """Returns the palette entry of an iteration count; points of the set have the last one."""
    return 255 if count == LIMIT else min(count, 254)


def wants_colour() -> bool:
    """Returns whether the terminal shows colours and Unicode (see https://no-color.org)."""
    encoding = (sys.stdout.encoding or "").lower()
    return sys.stdout.isatty() and "utf" in encoding and not os.environ.get("NO_COLOR")


def show_mandelbrot(png: Path | None) -> None:
    """Draws in the terminal, two pixels to a character: coloured half blocks, or plain ASCII."""
    headline("Mandelbrot, computed by C in f64")
    columns = max(20, min(shutil.get_terminal_size().columns - 4, 76))
    lines = columns * 3 // 10
    counts = render(columns, 2 * lines)
    colours = palette()
    for line in range(lines):
        start = 2 * line * columns
        upper = counts[start : start + columns]
        lower = counts[start + columns : start + 2 * columns]
        text = ""
        for above, below in zip(upper, lower, strict=True):
            if wants_colour():
                front = ";".join(map(str, colours[colour_index(above)]))
                back = ";".join(map(str, colours[colour_index(below)]))
                text += f"\x1b[38;2;{front};48;2;{back}m\u2580"
            else:
                level = (above + below) // 2
                text += "@" if level == LIMIT else " .:-=+*#%"[level.bit_length() - 1]
        print(f"  {text}\x1b[0m" if wants_colour() else f"  {text.rstrip()}")
    if png is not None:
        width, height = 1200, 800
        write_png(png, width, height, render(width, height))
        print(f"  {png}: {width} x {height}, {png.stat().st_size} bytes")


def write_png(path: Path, width: int, height: int, counts: tuple[int, ...]) -> None:
    """Writes an image with a palette of 8 bits (ISO/IEC 15948)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    pixels = bytes(map(colour_index, counts))
    rows = b"".join(b"\0" + pixels[y * width : (y + 1) * width] for y in range(height))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
        + chunk(b"PLTE", b"".join(map(bytes, palette())))
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )


# --- numbers


def show_numbers() -> None:
    """Shows that integers wrap as in C, floats are IEEE 754's, and several results are a tuple."""
    headline("Numbers")
    arith, multi = guest("arith").exports, guest("multi").exports
    calls: list[tuple[pywasm3.Function, tuple[float, ...]]] = [
        (arith.add_i32, (2, 3)),
        (arith.add_i32, (0x7FFFFFFF, 1)),
        (arith.add_i64, (2**63 - 1, -1)),
        (arith.add_f32, (0.1, 0.2)),
        (arith.add_f64, (0.1, 0.2)),
        (arith.root, (2.0,)),
        (arith.gcd, (1071, 462)),
        (arith.fib, (24,)),
        (multi.divmod, (-17, 5)),
        (multi.each, (7,)),
    ]
    for function, args in calls:
        call = f"{function.name}({', '.join(map(str, args))})"
        print(f"  {call:44} -> {function(*args)!s:24} {function.type}")
    print("  a call with a wrong argument:")
    try:
        arith.add_i32(1, "two")
    except TypeError as error:
        print(f"  TypeError: {error}")


# --- calls in both directions, and memory that both sides see


def show_callback_and_memory() -> None:
    """Lets a guest call a Python function, and work on numbers that Python sees without a copy."""
    headline("C calls a Python function, and both see the same memory")
    inst = guest("host", {"env": {"callback": lambda x: x * x}})
    print(f"  imports: {', '.join(f'{i.module}.{i.name} {i.type}' for i in inst.module.imports)}")
    print(f"  sum(10) = {inst.exports.sum(10)}, with callback = x * x")

    address = inst.exports.array()
    struct.pack_into("<8i", inst.memory, address, *range(1, 9))
    view = memoryview(inst.memory)[address : address + 32]
    print(f"  Python wrote  {struct.unpack('<8i', view)}")
    inst.exports.map(address, 8)
    print(f"  C squared it  {struct.unpack('<8i', view)}, seen through the same memoryview")

    before = inst.memory.grow(15)
    view[:4] = (-7).to_bytes(4, "little", signed=True)
    print(f"  grown from {before} to {inst.memory.pages} pages; the view still shows the memory:")
    print(f"  view[0:4] = -7; memory.read_i32({address:#x}) -> {inst.memory.read_i32(address)}")


# --- errors


def show_traps() -> None:
    """Shows that a trap is an exception, which says where in the guest it happened."""
    headline("Traps")
    trap = guest("trap").exports
    failing: list[tuple[pywasm3.Function, int, int | None]] = [
        (trap.divide, 1, 0),
        (trap.read_word, -4, None),
        (trap.half, 3, None),
        (trap.recurse, -1, None),
    ]
    for function, first, second in failing:
        args = (first,) if second is None else (first, second)
        try:
            function(*args)
        except pywasm3.Trap as error:
            print(f"  {function.name}{args}".replace(",)", ")"))
            for line in str(error).splitlines():
                print(f"    {line}")
    print(f"  and the instance still works: divide(84, 2) = {trap.divide(84, 2)}")


class NoMoreError(Exception):
    """The exception that the host function below raises."""


def show_exception() -> None:
    """Shows that an exception of a host function passes through the guest as the same object."""
    headline("An exception that Python raises below C, and catches above C")
    raised = NoMoreError("three is enough")

    def callback(value: int) -> int:
        if value == 3:
            raise raised
        return value

    try:
        guest("host", {"env": {"callback": callback}}).exports.sum(10)
    except NoMoreError as caught:
        print(f"  caught {caught!r}; the same object: {caught is raised}")
        for note in getattr(caught, "__notes__", []):
            for line in note.splitlines():
                print(f"    {line}")


# --- what a call costs


def plain_add(a: float, b: float) -> float:
    """Adds two numbers: every call is compared with this function."""
    return a + b


def plain_once(value: int) -> int:
    """Calls another Python function."""
    return plain_callback(value)


def plain_callback(value: int) -> int:
    """The host function, which the guests call."""
    return value + 1


def plain_fib(n: int) -> int:
    """Computes a Fibonacci number by recursion in Python."""
    return n if n < 2 else plain_fib(n - 1) + plain_fib(n - 2)


PLAIN: list[Callable[..., Any]] = [plain_add, plain_add, plain_once, plain_fib]


def find_functions(engine: Any) -> list[Callable[..., Any]]:
    """Returns the guests' counterparts of PLAIN, loaded by calls that both packages understand."""

    def load(name: str, *link: Any) -> Any:
        environment = engine.Environment()
        runtime = environment.new_runtime(64 * 1024)
        module = environment.parse_module((GUESTS / f"{name}.wasm").read_bytes())
        runtime.load(module)
        if link:
            module.link_function(*link)
        return runtime

    arith, host = load("arith"), load("host", "env", "callback", "i(i)", plain_callback)
    return [
        arith.find_function("add_i32"),
        arith.find_function("add_f64"),
        host.find_function("once"),
        arith.find_function("fib"),
    ]


def show_costs() -> None:
    """Shows the least times of several rounds. benchmarks/crossing.py measures more thoroughly."""
    headline("What a call costs, in nanoseconds")
    columns = {"Python function": PLAIN, "pywasm3": find_functions(pywasm3)}
    if importlib.util.find_spec("wasm3"):
        columns["wasm3 0.5.0"] = find_functions(importlib.import_module("wasm3"))

    rows = [
        ("add(2, 3), i32", "f(2, 3)", 20_000),
        ("add(0.5, 0.25), f64", "f(0.5, 0.25)", 20_000),
        ("once(1): out to Python and back", "f(1)", 20_000),
        ("fib(16): 3193 calls inside", "f(16)", 20),
    ]
    print(f"  {'':32}" + "".join(f"{name:>18}" for name in columns))
    for row, (label, statement, number) in enumerate(rows):
        timers = [
            timeit.Timer(statement, "f = function", globals={"function": functions[row]})
            for functions in columns.values()
        ]
        # Each round measures all columns, so that a slow moment of the machine affects all alike.
        rounds = [[timer.timeit(number) for timer in timers] for _ in range(15)]
        best = [min(times) / number * 1e9 for times in zip(*rounds, strict=True)]
        print(f"  {label:32}" + "".join(f"{nanoseconds:18,.0f}" for nanoseconds in best))
    if len(columns) == 2:
        print("  (`pip install pywasm3==0.5.0` adds a column for the wasm3 package)")


def main() -> None:
    """Runs the whole tour."""
    summary, _, details = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(description=summary, epilog=details)
    parser.add_argument(
        "file", nargs="?", type=Path, default=Path(__file__), help="the file to hash"
    )
    parser.add_argument(
        "--png", type=Path, metavar="FILE", help="write the picture to this file as well"
    )
    options = parser.parse_args()
    if not options.file.is_file():
        parser.error(f"no such file: {options.file}")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names of files may have characters that the terminal cannot show.
        sys.stdout.reconfigure(errors="backslashreplace")

    print(
        f"pywasm3 {pywasm3.__version__} (wasm3 {pywasm3.M3_VERSION}), "
        f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}"
    )
    show_strings()
    show_sha256(options.file)
    show_mandelbrot(options.png)
    show_numbers()
    show_callback_and_memory()
    show_traps()
    show_exception()
    show_costs()


if __name__ == "__main__":
    main()
