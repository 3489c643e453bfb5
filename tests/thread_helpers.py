# SPDX-License-Identifier: MIT
"""Compiles C programs that use POSIX threads, for WASI hosts with `thread-spawn`.

The compiler is that of the package `ziglang`. Its C library for WASI has no threads. But the
package contains musl, from which that library descends, with its threads, and the headers of WASI's
variant of musl, which know about threads. So the sources of musl that depend on threads are
compiled here, into a library that the linker searches before the package's own. What Linux does for
musl, tests/toolchains/c/wasi_threads.c does for this library.
"""

from __future__ import annotations

import functools
import shlex
import tempfile
from pathlib import Path

from zig_helpers import CACHE, SOURCES, libraries, zig

_FOLDER = CACHE / "threads"

_CPU = "-mcpu=mvp+sign_ext+nontrapping_fptoint+bulk_memory+atomics"
_TARGET = ["-target", "wasm32-wasi", _CPU]
_COMPILE = ["-pthread", "-g0", "-fno-sanitize=undefined", "-fno-stack-protector"]
_MEMORY = "-Wl,--shared-memory,--import-memory,--export-memory"
_SIZES = f"-Wl,--max-memory={64 << 20},-z,stack-size={128 << 10}"

# The sources of musl that are compiled, as patterns of their paths. The folders are compiled whole,
# because the structures of files and locales differ in a library with threads.
_PATTERNS = [
    "internal/*",
    "locale/*",
    "multibyte/*",
    "stdio/*",
    "exit/atexit",
    "misc/getopt*",
    "time/strftime",
    "time/wcsftime",
    "thread/__lock",
    "thread/default_attr",
    "thread/pthread_attr_[di]*",
    "thread/pthread_attr_sets[!c]*",
    "thread/pthread_barrier_*",
    "thread/pthread_cond_*",
    "thread/pthread_[djk]*",
    "thread/pthread_mutex_*",
    "thread/pthread_once",
    "thread/pthread_rwlock_*",
    "thread/pthread_[gs]etspecific",
    "thread/pthread_self",
    "thread/pthread_setcancelstate",
    "thread/pthread_testcancel",
]
# These files match the patterns, but need Linux.
_LINUX = {
    "bind_textdomain_codeset.c",
    "dcngettext.c",
    "defsysinfo.c",
    "emulate_wait4.c",
    "pclose.c",
    "popen.c",
    "procfdname.c",
    "pthread_kill.c",
    "remove.c",
    "rename.c",
    "syscall_ret.c",
    "tempnam.c",
    "textdomain.c",
    "tmpfile.c",
    "tmpnam.c",
    "vdso.c",
    "version.c",
}


def threads_guest(source: str, optimize: str) -> bytes:
    """Compiles a C source of toolchains/c, and returns the module."""
    library = str(_library())
    flags = [*_TARGET, *_COMPILE, optimize, "-std=gnu11", "-Wall", "-Wextra", "-Werror"]
    flags.append("-Wno-unused-command-line-argument")  # The assembler has no use for some flags.
    files = [str(SOURCES / "c" / name) for name in (source, "wasi_threads.s")]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "guest.wasm")
        link = [_MEMORY, _SIZES, "-s", library, "-o", str(output), "--verbose"]
        messages = zig("cc", *flags, *files, *link)
        # The compiler names its own C library before all other files, so the linker takes
        # everything from there. Therefore the linker runs once more, with the other library at the
        # beginning.
        (command,) = (line for line in messages.splitlines() if line.startswith("wasm-ld "))
        linker, *arguments = shlex.split(command)
        zig(linker, library, *arguments)
        return output.read_bytes()


@functools.cache
def _library() -> Path:
    """Compiles the library of what depends on threads."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    output = _FOLDER / "libthreads.a"
    musl = libraries() / "libc" / "musl"
    top = libraries() / "libc" / "wasi" / "libc-top-half"
    variant = top / "musl"
    includes = [base / "src" / part for part in ("include", "internal") for base in (variant, musl)]
    includes += [variant / "arch" / "wasm32", musl / "arch" / "generic"]
    includes.append(top / "headers" / "private")
    flags = [*_COMPILE, "-std=gnu17", "-w", "-Wno-int-conversion", "-D_WASI_EMULATED_MMAN"]
    flags += ["-include", str(SOURCES / "c" / "wasi_threads.h")]
    flags += [f"-I{folder}" for folder in includes]
    files = [*_sources(musl / "src", variant / "src"), SOURCES / "c" / "wasi_threads.c"]
    command = ["build-lib", *_TARGET, "-O", "ReleaseSmall", "-lc", "--name", "threads"]
    zig(*command, f"-femit-bin={output}", "-cflags", *flags, "--", *map(str, files))
    return output


def _sources(musl: Path, variant: Path) -> list[Path]:
    """Returns the sources of musl to compile. WASI's variant replaces some of them."""
    found = {
        path.relative_to(base): path
        for base in (musl, variant)
        for pattern in _PATTERNS
        for path in base.glob(f"{pattern}.c")
    }
    return [found[name] for name in sorted(found) if name.name not in _LINUX]
