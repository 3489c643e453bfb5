# SPDX-License-Identifier: MIT
"""Recognizes bytes that are not a module, so that the error can say what they are.

The module is imported only when a MalformedError is made.
"""

from __future__ import annotations

from ._source import MAGIC
from ._text import brief_quoted

# Bytes. The mark of a tar archive lies at byte 257, and a page may begin with empty lines.
ENOUGH = 1024
# Characters of a text that the message quotes.
_QUOTED = 24

_DRAFTS = range(2, 14)  # the versions that drafts of WebAssembly 1.0 had
# wasmtime writes this number where an ELF file names its operating system.
_ELF_OF_WASMTIME = b"\xc8"
_BUILD = "build a core module, for example for the target wasm32-wasip1"
_LINK = "link it into a module first, for example with clang --target=wasm32-wasip1"
_UNPACK = "take the .wasm file out of it"
_DOWNLOAD = "check the address, and how the file was downloaded"
_NATIVE = f"which is a program or a library for a processor; {_BUILD}"

# Maps the beginning of a file to what the file is, and what to do about it.
_BEGINNINGS = {
    b"\x1f\x8b": "compressed with gzip; give gzip.decompress(data)",
    b"BZh": "compressed with bzip2; give bz2.decompress(data)",
    b"\xfd7zXZ\0": "compressed with xz; give lzma.decompress(data)",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; decompress them first",
    b"PK\3\4": f"a zip archive; {_UNPACK}",
    b"\0webc": f"a package of Wasmer (webc); {_UNPACK}",
    b"BC\xc0\xde": f"LLVM bitcode, which -flto and -emit-llvm write; {_LINK}",
    b"\xde\xc0\x17\x0b": f"LLVM bitcode, which -flto and -emit-llvm write; {_LINK}",
    b"!<arch>\n": f"a static library (ar); {_LINK}",
    b"!<thin>\n": f"a static library (ar); {_LINK}",
    b"\xcf\xfa\xed\xfe": f"a Mach-O file, {_NATIVE}",
    b"\xce\xfa\xed\xfe": f"a Mach-O file, {_NATIVE}",
    b"\xca\xfe\xba\xbe": f"a Mach-O file or a Java class, {_NATIVE}",
}

# The same for text, after white space and in lower case. The first one that fits counts.
_TEXTS = {
    "<!doctype html": f"an HTML page, as servers send for errors; {_DOWNLOAD}",
    "<html": f"an HTML page, as servers send for errors; {_DOWNLOAD}",
    "<": f"XML or HTML, as servers send for errors; {_DOWNLOAD}",
    "version https://git-lfs": "a pointer of Git LFS in place of the file; run git lfs pull",
    "0061736d": "a module written as hexadecimal digits; give bytes.fromhex(text)",
    "data:application/wasm;base64,": (
        "a module as a data: URL; give base64.b64decode(text) of what follows the comma"
    ),
}
_WAT_BEGINNINGS = ("(module", "(component", "(;", ";;", "(func", "(import", "(memory", "(type")
_WAT = (
    "WebAssembly text; assemble it first with wat2wasm, or save it as a .wat file, which "
    "pywasm3.load(path) assembles if the package wasmtime is installed"
)
# Every module in base64 begins so. Capitals matter here, which they do not in the other texts.
_BASE64 = "AGFzbQ"


def recognized(head: bytes) -> str | None:
    """Returns what bytes are that do not begin as a module does, and what to do about it.

    Args:
        head: The first ENOUGH bytes, or all if there are fewer.

    Returns:
        A clause such as "the bytes are a component; build a core module", or None for bytes that
        are a module, the beginning of one, or unknown.
    """
    if not head:
        return "there are no bytes; check whether the file was written or downloaded completely"
    what = _versioned(head) if head.startswith(MAGIC) else _binary(head) or _text(head)
    return what and f"the bytes are {what}"


def _versioned(head: bytes) -> str | None:
    """Recognizes what begins with the magic number of WebAssembly and has another version."""
    number, layer = (int.from_bytes(head[at : at + 2], "little") for at in (4, 6))
    if layer == 1:
        return f"a component, which contains modules, and not a module; {_BUILD}"
    if layer == 0 and number in _DRAFTS:
        return "a module of a draft from before WebAssembly 1.0; compile it with a newer compiler"
    return None


def _binary(head: bytes) -> str | None:
    for beginning, what in _BEGINNINGS.items():
        if head.startswith(beginning):
            return what
    if head.startswith(b"\x7fELF"):
        if head[7:8] == _ELF_OF_WASMTIME:
            return "a module that wasmtime has compiled; give the .wasm file that it was made of"
        return f"an ELF file, {_NATIVE}"
    if head.startswith(b"MZ") and b"\0" in head:  # Without a zero it would be a text.
        return f"a Windows executable, {_NATIVE}"
    if head[257:262] == b"ustar":
        return f"a tar archive; {_UNPACK}"
    return None


def _text(head: bytes) -> str | None:
    try:
        # The last character may be cut off.
        text = head.decode("utf-8-sig", "strict" if len(head) < ENOUGH else "ignore").lstrip()
    except UnicodeDecodeError:
        return None
    if not text or not all(c.isprintable() or c.isspace() for c in text):
        return None
    if text.startswith(_BASE64):
        return "a module in base64; give base64.b64decode(text)"
    if text.startswith(_WAT_BEGINNINGS):
        return _WAT
    lowered = text.lower()
    for beginning, what in _TEXTS.items():
        if lowered.startswith(beginning):
            return what
    quoted = brief_quoted(text[:_QUOTED]) + ("..." if len(text) > _QUOTED else "")
    return f"text, which begins with {quoted}; give the bytes of a .wasm file"
