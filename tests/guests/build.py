# SPDX-License-Identifier: MIT
"""Compiles the guests: every `.c`, `.zig`, `.ts` and `.wat` file here becomes a `.wasm` beside it.

The guests in `wasi` are programs for WASI. Most call the functions of WASI themselves, with
`guest.h`; `program.c` and `words.c` use the C library, and `folders.zig` the library of Zig. The
guests in benchmarks/guests become part of the package, in pywasm3/bench; those in
benchmarks/computing/guests are for benchmarks/compute.py alone. Each guest in `simd` becomes two
modules of the same source: `-scalar.wasm`, and `-vector.wasm` with the instructions of SIMD.

    python tests/guests/build.py            # rebuild all
    python tests/guests/build.py trap       # rebuild one
    python tests/guests/build.py --check    # rebuild elsewhere and compare with what is committed

The compiler (`ziglang`) and the assembler (`wasmtime`) come from pip, and AssemblyScript's compiler
from npm. Without npm and Node.js, the guests in AssemblyScript stay as they are. The same version
of a compiler gives the same bytes on every machine. The guests in this folder have no C library.
They keep their name section, because the frames of a trap get their names from it.
"""

import argparse
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import pytest
import wasmtime

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from assemblyscript_helpers import asc

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
COMPUTING = ROOT / "benchmarks" / "computing" / "guests"
# The folder of some sources, the folder of their modules, and how their names begin on the command
# line.
FOLDERS = [
    (HERE, HERE, ""),
    (HERE / "wasi", HERE / "wasi", "wasi/"),
    (HERE / "simd", HERE / "simd", "simd/"),
    (ROOT / "benchmarks" / "guests", ROOT / "pywasm3" / "bench" / "guests", "bench/"),
    (COMPUTING, COMPUTING, "computing/"),
]

ZIG_VERSION = "0.17.1"

# WebAssembly 1.0 with the additions that every engine of today has, and none of later proposals.
CPU = "mvp+sign_ext+nontrapping_fptoint+bulk_memory"

FLAGS = [
    "-target", "wasm32-freestanding", f"-mcpu={CPU}",
    "-std=c11", "-O2", "-g0", "-ffreestanding", "-fno-builtin",
    "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wvla", "-Werror",
    "-nostdlib", "-Wl,--no-entry", "-Wl,-z,stack-size=16384",
]  # fmt: skip

# These guests are stripped to be small, because no test looks at the frames of their traps.
WASI_FLAGS = [
    "-target", "wasm32-wasi", f"-mcpu={CPU}", "-std=c11", "-Os", "-g0", "-s",
    "-Wall", "-Wextra", "-Werror", "-Wl,-z,stack-size=16384",
]  # fmt: skip
BARE_WASI_FLAGS = [*WASI_FLAGS, "-ffreestanding", "-nostdlib", "-Wl,--no-entry"]

# The library of Zig sets up its own start, and is made small by Zig's own switches.
ZIG_FLAGS = ["-target", "wasm32-wasi", f"-mcpu={CPU}", "-O", "ReleaseSmall", "-fstrip"]
# Programs whose speed is measured are compiled to be fast.
FAST_ZIG_FLAGS = [
    "-target", "wasm32-freestanding", f"-mcpu={CPU}", "-O", "ReleaseFast", "-fstrip", "-fno-entry",
    "--export=run",
]  # fmt: skip

# Without "abort", a failed assertion is a trap and needs no import.
ASSEMBLYSCRIPT_FLAGS = ["-O3", "--runtime", "incremental", "--use", "abort="]


def flags_for(source: Path, target: Path) -> list[str]:
    """The flags that a C file is compiled with."""
    if source.parent.name == "simd":
        # Of two flags for the processor, the compiler takes the second.
        return [*FLAGS, f"-mcpu={CPU}+simd128"] if has_vectors(target) else FLAGS
    if source.parent.name != "wasi":
        return FLAGS
    return WASI_FLAGS if source.stem in ("program", "words") else BARE_WASI_FLAGS


def has_vectors(binary: Path) -> bool:
    """Says whether a module may have instructions of SIMD."""
    return binary.stem in ("simd", "lanes") or binary.stem.endswith("-vector")


def targets_for(source: Path, folder: Path) -> list[Path]:
    """The modules that a source becomes."""
    builds = ("-scalar", "-vector") if source.parent.name == "simd" else ("",)
    return [folder / f"{source.stem}{build}.wasm" for build in builds]


def compile_c(source: Path, target: Path) -> None:
    """Compiles one C file. The messages of the compiler go to the standard error."""
    # With a relative name in a fixed directory, no path of this machine can get into the output.
    flags = flags_for(source, target)
    command = [sys.executable, "-m", "ziglang", "cc", *flags, "-o", str(target), source.name]
    if subprocess.run(command, cwd=source.parent, check=False).returncode != 0:
        raise SystemExit(f"{source.name} does not compile")


def compile_zig(source: Path, target: Path) -> None:
    """Compiles one Zig file. The messages of the compiler go to the standard error."""
    with tempfile.TemporaryDirectory() as cache:  # Zig would make it beside the source.
        flags = FAST_ZIG_FLAGS if source.parent == COMPUTING else ZIG_FLAGS
        command = [sys.executable, "-m", "ziglang", "build-exe", *flags, "--cache-dir", cache]
        command += [f"-femit-bin={target}", source.name]
        if subprocess.run(command, cwd=source.parent, check=False).returncode != 0:
            raise SystemExit(f"{source.name} does not compile")


def compile_assemblyscript(source: Path, target: Path) -> None:
    """Compiles one file of AssemblyScript. Without npm or Node.js, the file is skipped."""
    asc(source, target, *ASSEMBLYSCRIPT_FLAGS)


def assemble(source: Path, target: Path) -> None:
    """Assembles one text module."""
    target.write_bytes(wasmtime.wat2wasm(source.read_text(encoding="utf-8")))


def validate(binary: Path) -> None:
    """Raises `wasmtime.WasmtimeError` unless the module is valid without the later proposals."""
    config = wasmtime.Config()
    config.wasm_simd = has_vectors(binary)
    config.wasm_relaxed_simd = False
    config.wasm_tail_call = False
    config.wasm_multi_memory = False
    wasmtime.Module.validate(wasmtime.Engine(config), binary.read_bytes())


def build(source: Path, target: Path) -> None:
    """Turns one source file into a validated binary module."""
    if source.suffix == ".c":
        compile_c(source, target)
    elif source.suffix == ".zig":
        compile_zig(source, target)
    elif source.suffix == ".ts":
        compile_assemblyscript(source, target)
    else:
        assemble(source, target)
    target.chmod(0o644)
    validate(target)


def main() -> int:
    """Runs the command line; the exit code is 1 when `--check` finds a difference."""
    summary, _, details = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("guest", nargs="*", help="name without suffix; all when none is given")
    parser.add_argument("--check", action="store_true", help="compare, change nothing")
    options = parser.parse_args()

    found = metadata.version("ziglang")
    if found != ZIG_VERSION:
        print(
            f"ziglang {found} is installed, the guests are built with {ZIG_VERSION}: "
            f"type `pip install ziglang=={ZIG_VERSION}`",
            file=sys.stderr,
        )
        return 2

    sources = {
        prefix + target.stem: (path, target)
        for folder, built, prefix in FOLDERS
        for path in sorted(folder.iterdir())
        if path.suffix in {".c", ".ts", ".wat", ".zig"}
        for target in targets_for(path, built)
    }
    unknown = [name for name in options.guest if name not in sources]
    if unknown:
        parser.error(f"no such guest: {', '.join(unknown)} (there are {', '.join(sources)})")

    stale = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.guest or sources:
            source, committed = sources[name]
            built = Path(scratch, committed.name)
            try:
                build(source, built)
            except pytest.skip.Exception as reason:
                print(f"{name + '.wasm':28} not built: {reason}")
                continue
            same = committed.exists() and committed.read_bytes() == built.read_bytes()
            if not options.check:
                committed.write_bytes(built.read_bytes())
            elif not same:
                stale.append(name)
            state = "same" if same else "differs" if options.check else "written"
            print(f"{name + '.wasm':28} {built.stat().st_size:6} bytes  {state}")
    if stale:
        print(f"not what the sources give: {', '.join(stale)}", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
