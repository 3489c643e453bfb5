# SPDX-License-Identifier: MIT
"""Compiles C programs that use POSIX threads, for WASI hosts with `thread-spawn`.

The compiler is that of the package `ziglang`. Its C library for WASI has no threads. But the package
contains musl, from which that library descends, with its threads, and the headers of WASI's variant
of musl, which know about threads. So the sources of musl that depend on threads are compiled here,
into a library that the linker searches before the package's own. tests/toolchains/c/wasi_threads.c
does for it what Linux does for musl.
"""

from __future__ import annotations

import functools
import shlex
from pathlib import Path

from zig_helpers import CACHE, SOURCES, libraries, zig

_FOLDER = CACHE / "threads"

_CPU = "-mcpu=mvp+sign_ext+nontrapping_fptoint+bulk_memory+atomics"
_TARGET = ["-target", "wasm32-wasi", _CPU]
_COMPILE = [*_TARGET, "-pthread", "-g0", "-fno-sanitize=undefined", "-fno-stack-protector"]
_LIMIT = 64 << 20
_LINK = ["-Wl,--shared-memory,--import-memory,--export-memory", f"-Wl,--max-memory={_LIMIT},-z,stack-size=131072"]

# Of musl, these folders are compiled whole, because the structures of files and of locales differ in
# a library with threads; and of others these files.
_FOLDERS = ("internal", "locale", "multibyte", "stdio")
_FILES = """
    exit/atexit misc/getopt misc/getopt_long time/strftime time/wcsftime
    thread/__lock thread/default_attr thread/pthread_attr_destroy thread/pthread_attr_init
    thread/pthread_attr_setdetachstate thread/pthread_attr_setstacksize
    thread/pthread_barrier_destroy thread/pthread_barrier_init thread/pthread_barrier_wait
    thread/pthread_cond_broadcast thread/pthread_cond_destroy thread/pthread_cond_init
    thread/pthread_cond_signal thread/pthread_cond_timedwait thread/pthread_cond_wait
    thread/pthread_detach thread/pthread_getspecific thread/pthread_join thread/pthread_key_create
    thread/pthread_mutex_destroy thread/pthread_mutex_init thread/pthread_mutex_lock
    thread/pthread_mutex_timedlock thread/pthread_mutex_trylock thread/pthread_mutex_unlock
    thread/pthread_once thread/pthread_rwlock_rdlock thread/pthread_rwlock_timedrdlock
    thread/pthread_rwlock_timedwrlock thread/pthread_rwlock_tryrdlock
    thread/pthread_rwlock_trywrlock thread/pthread_rwlock_unlock thread/pthread_rwlock_wrlock
    thread/pthread_self thread/pthread_setcancelstate thread/pthread_setspecific
    thread/pthread_testcancel
""".split()
# Of the folders, these files need Linux.
_LINUX = set(
    """
    bind_textdomain_codeset dcngettext defsysinfo emulate_wait4 pclose popen procfdname remove
    rename syscall_ret tempnam textdomain tmpfile tmpnam vdso version
    """.split()
)


def threads_guest(source: str, optimize: str) -> bytes:
    """Compiles a C source of toolchains/c, and returns the module."""
    output = _FOLDER / f"{source}{optimize}.wasm"
    sources = [SOURCES / "c" / source, SOURCES / "c" / "wasi_threads.s"]
    flags = [*_COMPILE, optimize, "-std=gnu11", "-Wall", "-Wextra", "-Werror", *_LINK, "-s"]
    flags.append("-Wno-unused-command-line-argument")  # The assembler has no use for most flags.
    library = str(_library())
    messages = zig("cc", *flags, *map(str, sources), library, "-o", str(output), "--verbose")
    # The compiler names its own C library before all other files, so the linker takes everything
    # from there. Therefore it links once more, with the library that has threads at the beginning.
    (command,) = (line for line in messages.splitlines() if line.startswith("wasm-ld "))
    name, *arguments = shlex.split(command)
    zig(name, library, *arguments)
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
    includes += [variant / "arch" / "wasm32", musl / "arch" / "generic", top / "headers" / "private"]
    flags = [*_COMPILE[len(_TARGET) :], "-std=gnu17", "-w", "-D_WASI_EMULATED_MMAN", "-Wno-int-conversion"]
    flags += ["-include", str(SOURCES / "c" / "wasi_threads.h"), *(f"-I{path}" for path in includes)]
    files = [*_sources(musl / "src", variant / "src"), SOURCES / "c" / "wasi_threads.c"]
    command = ["build-lib", *_TARGET, "-O", "ReleaseSmall", "-lc", "--name", "threads"]
    zig(*command, f"-femit-bin={output}", "-cflags", *flags, "--", *map(str, files))
    return output


def _sources(musl: Path, variant: Path) -> list[Path]:
    """Returns the sources of musl to compile. WASI's variant replaces some of them."""
    names = {Path(f"{name}.c") for name in _FILES}
    for folder in _FOLDERS:
        for base in (musl, variant):
            names |= {path.relative_to(base) for path in (base / folder).glob("*.c")}
    chosen = (name for name in sorted(names) if name.stem not in _LINUX)
    return [base / name for name in chosen for base in [variant if (variant / name).exists() else musl]]
