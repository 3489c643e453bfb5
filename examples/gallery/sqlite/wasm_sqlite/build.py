# SPDX-License-Identifier: MIT
"""Compiles SQLite and this example's C code to WebAssembly: ``python -m wasm_sqlite``.

SQLite's source, which is in the public domain, comes from the npm package `better-sqlite3`. The
compiler is that of the Python package `ziglang`. Everything is kept in .cache/gallery/sqlite, and
what is there is not made again.
"""

import functools
import hashlib
import importlib.util
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pywasm3

PACKAGE = "better-sqlite3@12.11.1"
ARCHIVE = "better-sqlite3-12.11.1.tgz"
SHA256 = "ebf0ed75a7a59dbcb3b24bbd014ef49d9f15bc328e4adcbf516f2a8fadfa2835"
SOURCES = ("package/deps/sqlite3/sqlite3.c", "package/deps/sqlite3/sqlite3.h")

EXAMPLE = Path(__file__).resolve().parent.parent
GUEST = EXAMPLE / "guest"
BUILD = EXAMPLE.parents[2] / ".cache" / "gallery" / "sqlite"

OPTIONS = (
    "-DSQLITE_THREADSAFE=0",
    "-DSQLITE_DEFAULT_MEMSTATUS=0",
    "-DSQLITE_TEMP_STORE=3",  # Temporary tables are in the memory of the guest, not in files.
    "-DSQLITE_OMIT_LOAD_EXTENSION",
    "-DSQLITE_ENABLE_MATH_FUNCTIONS",
)
COMPILE = [
    "-target",
    "wasm32-wasi",
    "-mcpu=mvp+sign_ext+nontrapping_fptoint+bulk_memory",
    "-O2",
    "-g0",
    "-fno-sanitize=undefined",
    "-fno-stack-protector",
]
LINK = ["-mexec-model=reactor", "-s", "-Wl,--no-entry", "-Wl,-z,stack-size=1048576"]

# The functions of SQLite that Python calls, besides those of guest/glue.c.
EXPORTS = [
    "bind_double",
    "bind_int64",
    "bind_null",
    "bind_parameter_count",
    "bind_parameter_name",
    "changes64",
    "clear_bindings",
    "close_v2",
    "column_count",
    "column_decltype",
    "column_name",
    "errmsg",
    "extended_errcode",
    "finalize",
    "free",
    "get_autocommit",
    "last_insert_rowid",
    "malloc",
    "prepare_v2",
    "reset",
    "result_double",
    "result_int64",
    "result_null",
    "stmt_readonly",
    "total_changes64",
]


class NotAvailable(Exception):
    """Something that the build needs is not on this machine. The text says what."""


@functools.cache
def load() -> pywasm3.Module:
    """Returns the module, which is built if it is not there.

    Raises:
        NotAvailable: It is not there and cannot be built.
        RuntimeError: The archive with SQLite's source has another hash.
    """
    return pywasm3.Module(build().read_bytes())


def build() -> Path:
    """Compiles what has changed, and returns the path of the module."""
    output = BUILD / f"{_digest()}.wasm"
    if not output.exists():
        # Only SQLite takes long to compile, so it is compiled apart from the rest.
        sqlite = BUILD / "sqlite3.o"
        if not sqlite.exists():
            _zig([*OPTIONS, "-c", str(_unpack() / "sqlite3.c")], sqlite)
        exports = [f"-Wl,--export=sqlite3_{name}" for name in EXPORTS]
        guest = ["-Wall", "-Wextra", f"-I{BUILD}", *map(str, sorted(GUEST.glob("*.c")))]
        _zig([*LINK, *exports, *guest, str(sqlite)], output)
    return output


def _digest() -> str:
    """Returns a name for the module that changes with what it is made of."""
    digest = hashlib.sha256(SHA256.encode() + Path(__file__).read_bytes())
    for file in sorted(GUEST.iterdir()):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _zig(arguments: list[str], output: Path) -> None:
    """Runs the compiler. The output appears only when it is complete."""
    package = importlib.util.find_spec("ziglang")
    if package is None or package.origin is None:
        raise NotAvailable("the compiler is not installed: pip install ziglang")
    partial = output.with_name(f"partial-{output.name}")
    zig = str(Path(package.origin).with_name("zig"))
    command = [zig, "cc", *COMPILE, *arguments, "-o", str(partial)]
    environment = {**os.environ, "ZIG_LOCAL_CACHE_DIR": str(BUILD / "cache")}
    subprocess.run(command, cwd=BUILD, env=environment, check=True)
    partial.replace(output)


def _unpack() -> Path:
    """Downloads the package if it is not there, and returns the folder with SQLite's source."""
    archive = BUILD / ARCHIVE
    if not archive.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        npm = shutil.which("npm")
        if npm is None:
            raise NotAvailable(
                "SQLite's source is not there, and neither is npm, which downloads it"
            )
        command = [npm, "pack", "--silent", PACKAGE]
        done = subprocess.run(command, cwd=BUILD, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotAvailable(f"npm did not download {PACKAGE}: {done.stderr.strip()}")
    if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
        raise RuntimeError(f"{archive} is not the archive that it should be: remove it")
    with tarfile.open(archive) as opened:
        for name in SOURCES:
            content = opened.extractfile(name)
            assert content is not None
            (BUILD / Path(name).name).write_bytes(content.read())
    return BUILD
