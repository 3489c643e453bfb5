# SPDX-License-Identifier: MIT
"""Checks the contents, the size and the compiled modules of wheels.

python tools/check_wheel.py WHEEL ...
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

from elftools.elf.constants import P_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.enums import ENUM_DT_FLAGS

MAX_BYTES = 1_000_000
# What programs of toolchains, moving from other packages, and many machines need. RATIONALE.md says
# why they are in the same wheel as the engine and its API.
ADDITIONS = ("pywasm3/guests/", "pywasm3/compat/", "pywasm3/distributed/")
HEADER_BYTES = 30 + 46  # those of a zip archive for each file, beside its name, which stands twice
LICENSES = ("licenses/LICENSE", "licenses/vendor/wasm3/source/LICENSE")
SOURCES = (".c", ".h", ".def")
# The types that a wheel has: those in C for CPython, and those in Python for others.
IN_C, IN_PYTHON = "pywasm3/_cpython.", "pywasm3/_pure/"
ELF_MAGIC = b"\x7fELF"


def complaints(wheel: Path) -> list[str]:
    """Returns what is wrong with the wheel, one sentence for each fault."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        modules = {name: archive.read(name) for name in names if name.endswith(".so")}
    found = [f"{name} must not be in the wheel" for name in names if name.endswith(SOURCES)]
    found += [
        f"the wheel lacks {license}"
        for license in LICENSES
        if not any(name.endswith(".dist-info/" + license) for name in names)
    ]
    found += wrong_types(wheel.name, names)
    for name, content in modules.items():
        found += [f"{name} {fault}" for fault in soft_spots(content)]
        if is_made_by_clang(content):
            found.append(f"{name} was compiled by clang, whose engine is slower: set CC=gcc")
    size = wheel.stat().st_size
    if size > MAX_BYTES:
        found.append(f"the wheel has {size:,} bytes, which is more than {MAX_BYTES:,}")
    return found


def bytes_of_additions(wheel: Path) -> int:
    """Returns how many bytes of a wheel the packages take that the engine's API does not need."""
    with zipfile.ZipFile(wheel) as archive:
        return sum(
            member.compress_size + 2 * len(member.filename) + HEADER_BYTES
            for member in archive.infolist()
            if member.filename.startswith(ADDITIONS)
        )


def wrong_types(wheel: str, names: list[str]) -> list[str]:
    """Returns which of the two kinds of types a wheel lacks, and which it must not have."""
    python = wheel.split("-")[-3]  # such as "cp311", or "pp311" for PyPy
    kinds = [IN_C, IN_PYTHON] if python.startswith("cp") else [IN_PYTHON, IN_C]
    run = [name for name in names if not name.endswith(".pyi")]  # Type checkers read the stubs.
    wanted, unwanted = ([name for name in run if name.startswith(kind)] for kind in kinds)
    found = [] if wanted else [f"the wheel for {python} lacks {kinds[0]}"]
    if unwanted:
        found.append(f"{kinds[1]} must not be in the wheel for {python}")
    return found


def soft_spots(module: bytes) -> list[str]:
    """Returns which of the linker's protections a shared object lacks, as ends of sentences.

    They are known for ELF only: on other systems, the list is empty.
    """
    if not module.startswith(ELF_MAGIC):
        return []
    elf = ELFFile(io.BytesIO(module))
    segments = {segment["p_type"]: segment for segment in elf.iter_segments()}
    found = []
    if "PT_GNU_RELRO" not in segments:
        found.append("has no part that becomes read-only after loading (RELRO)")
    # Without this header, some systems make the stack executable.
    if "PT_GNU_STACK" not in segments or segments["PT_GNU_STACK"]["p_flags"] & P_FLAGS.PF_X:
        found.append("asks for an executable stack")
    tags = {tag.entry.d_tag: tag.entry.d_val for tag in segments["PT_DYNAMIC"].iter_tags()}
    if not tags.get("DT_FLAGS", 0) & ENUM_DT_FLAGS["DF_BIND_NOW"]:
        found.append("is not bound completely when it is loaded (BIND_NOW)")
    symbols = elf.get_section_by_name(".dynsym")
    if not any(symbol.name.startswith("__stack_chk_") for symbol in symbols.iter_symbols()):
        found.append("was compiled without -fstack-protector-strong")
    return found


def is_made_by_clang(module: bytes) -> bool:
    """Returns whether clang compiled a part of a shared object. That is known for ELF only."""
    if not module.startswith(ELF_MAGIC):
        return False
    comment = ELFFile(io.BytesIO(module)).get_section_by_name(".comment")
    return comment is not None and b"clang" in comment.data()


def main(wheels: list[Path]) -> int:
    """Prints what is wrong with the wheels; returns 1 if anything is."""
    faulty = False
    for wheel in wheels:
        found = complaints(wheel)
        faulty |= bool(found)
        for complaint in found:
            print(f"{wheel.name}: {complaint}")
        if not found:
            size = wheel.stat().st_size
            print(
                f"{wheel.name}: {size:,} bytes ({size - bytes_of_additions(wheel):,} without"
                " pywasm3.guests, compat and distributed), with both licences, without C sources,"
                " with the types for its Python, with hardened modules"
            )
    return faulty


if __name__ == "__main__":
    sys.exit(main([Path(argument) for argument in sys.argv[1:]]))
