# SPDX-License-Identifier: MIT
"""libxml2 as a guest: it parses XML and validates it against an XML schema (XSD).

::

    library = LibXML2(pywasm3.Module(data))
    schema = library.schema(Path("order.xsd").read_bytes())
    for problem in schema.validate(Path("order.xml").read_bytes()):
        print(problem.line, problem.message)

The module is that of the npm package libxml2-wasm, which Emscripten compiled. It is written as
base64 in a file of JavaScript, and `module_bytes` reads it from there.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pywasm3
from pywasm3.wasi import WasiConfig

LIMITS = pywasm3.Limits(memory=256 << 20, timeout=60.0)
MAX_PROBLEMS = 100  # of one document
MAX_MESSAGE_BYTES = 4096

# Options of libxml2's parser: it replaces entities by their texts (also those of external files,
# which the guest does not have), makes no connections, and counts more than 65,535 lines.
NOENT, NONET, BIG_LINES = 1 << 1, 1 << 11, 1 << 22

# The places of some fields in an xmlError, where pointers have 32 bits.
MESSAGE, LEVEL, LINE, COLUMN = 8, 12, 20, 40

ENOSYS = 52  # Emscripten's number for a function of the system that does not exist


class XmlError(Exception):
    """A schema is not well-formed, or not a schema. `problems` says why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True)
class Problem:
    """What libxml2 says about a place in a document. The column is 0 if it is not known."""

    line: int
    column: int
    level: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.level}: {self.message}"


# libxml2 reports nothing when it has no memory left: that must not look like a valid document.
GAVE_UP = Problem(0, 0, "fatal error", "libxml2 gave up, probably for lack of memory")


def module_bytes(script: bytes) -> bytes:
    """Finds the module in the package's lib/libxml2raw.cjs."""
    found = re.search(rb"AGFzbQ[A-Za-z0-9+/=]*", script)  # the beginning of every module
    if found is None:
        raise ValueError("the script contains no module in base64")
    return base64.b64decode(found.group())


class LibXML2:
    """An instance of libxml2. After a trap, such as a timeout, make a new one."""

    def __init__(self, module: pywasm3.Module, *, limits: pywasm3.Limits = LIMITS) -> None:
        self._problems: list[Problem] = []
        # The C library asks for files with functions of its own, and gets none.
        absent = ("fstat64", "stat64", "newfstatat", "lstat64", "openat")
        env: dict[str, Any] = {f"__syscall_{name}": lambda *_: -ENOSYS for name in absent}
        env["emscripten_memcpy_big"] = self._copy
        env["emscripten_resize_heap"] = self._grow
        env["getentropy"] = self._random
        # Emscripten splits the offset of a seek into halves, so WASI's function does not fit.
        seek = {"fd_seek": lambda *_: ENOSYS}
        # What is left traps: exit and abort.
        self._instance = pywasm3.Instance(
            module,
            {"env": env, "wasi_snapshot_preview1": seek},
            wasi=WasiConfig(),
            limits=limits,
            missing="trap",
        )
        self._memory: pywasm3.Memory = self._instance.exports["memory"]
        self.call("__wasm_call_ctors")
        self.call("xmlInitParser")
        # libxml2 reports problems to a function pointer, which is an index of the table.
        handler = pywasm3.host_function(
            pywasm3.FuncType(["i32", "i32"]), self._report, store=self._instance.store
        )
        self._handler = self._instance.exports["__indirect_function_table"].grow(1, handler)

    def call(self, name: str, *arguments: int) -> int:
        """Calls a function of libxml2. Returns its result, of which pointers are not negative."""
        result = self._instance.exports[name](*arguments)
        return 0 if result is None else int(result) & 0xFFFFFFFF

    def schema(self, xsd: bytes, name: str = "schema.xsd") -> Schema:
        """Compiles a schema. Raises XmlError if it is none."""
        with self._reports() as problems, self._parsed(xsd, name) as document:
            if not document:
                raise XmlError(problems)
            parser = self.call("xmlSchemaNewDocParserCtxt", document)
            self.call("xmlSchemaSetParserStructuredErrors", parser, self._handler, 0)
            schema = self.call("xmlSchemaParse", parser)
            self.call("xmlSchemaFreeParserCtxt", parser)
            if not schema:
                raise XmlError(problems)
        return Schema(self, schema)

    def validate(self, schema: int, xml: bytes, name: str) -> list[Problem]:
        """Parses a document and validates it against the schema at an address."""
        with self._reports() as problems, self._parsed(xml, name) as document:
            context = self.call("xmlSchemaNewValidCtxt", schema) if document else 0
            valid = False
            if context:
                self.call("xmlSchemaSetValidStructuredErrors", context, self._handler, 0)
                valid = self.call("xmlSchemaValidateDoc", context, document) == 0
                self.call("xmlSchemaFreeValidCtxt", context)
            if not valid and not problems:
                problems.append(GAVE_UP)
            return problems

    @contextmanager
    def _parsed(self, xml: bytes, name: str) -> Iterator[int]:
        """The address of a parsed document, or 0 if it is not well-formed."""
        text, url = self._put(xml), self._put(name.encode() + b"\0")
        parser = self.call("xmlNewParserCtxt")
        self.call("xmlCtxtSetErrorHandler", parser, self._handler, 0)
        options = NOENT | NONET | BIG_LINES
        document = self.call("xmlCtxtReadMemory", parser, text, len(xml), url, 0, options)
        self.call("xmlFreeParserCtxt", parser)
        self.call("free", text)
        self.call("free", url)
        yield document
        if document:
            self.call("xmlFreeDoc", document)

    @contextmanager
    def _reports(self) -> Iterator[list[Problem]]:
        """The list into which problems go meanwhile."""
        self._problems = []
        yield self._problems

    def _put(self, data: bytes) -> int:
        """Copies bytes into memory that the guest allocates."""
        address = self.call("malloc", len(data))
        if not address:
            raise MemoryError(f"the guest has no {len(data)} bytes")
        self._memory.write(address, data)
        return address

    def _report(self, _data: int, error: int) -> None:
        """The guest reports a problem, by the address of an xmlError."""
        if len(self._problems) >= MAX_PROBLEMS:
            return
        memory, error = self._memory, error & 0xFFFFFFFF
        text = memory.read_u32(error + MESSAGE)
        size = min(MAX_MESSAGE_BYTES, len(memory) - text) if text else 0
        message = memory.read(text, size).partition(b"\0")[0].decode(errors="replace")
        level = memory.read_u32(error + LEVEL)
        self._problems.append(
            Problem(
                line=memory.read_u32(error + LINE),
                column=memory.read_u32(error + COLUMN),
                level={1: "warning", 2: "error"}.get(level, "fatal error"),
                message=message.strip(),
            )
        )

    def _copy(self, target: int, source: int, size: int) -> None:
        """The guest copies a large piece of its memory."""
        self._memory.write(target, self._memory.read(source, size & 0xFFFFFFFF))

    def _random(self, address: int, size: int) -> int:
        """The guest wants random bytes, for the seed of its hash tables. 0 is success."""
        if not 0 <= size <= 256:
            return -1
        self._memory.write(address, os.urandom(size))
        return 0

    def _grow(self, size: int) -> int:
        """The guest wants a memory of so many bytes. Returns whether it has got one."""
        missing = (size & 0xFFFFFFFF) - len(self._memory)
        if missing > 0:
            try:
                self._memory.grow(-(-missing // 65536))
            except pywasm3.WasmError:
                return 0
        return 1


class Schema:
    """A compiled schema."""

    def __init__(self, library: LibXML2, address: int) -> None:
        self._library, self._address = library, address

    def validate(self, xml: bytes, name: str = "document.xml") -> list[Problem]:
        """Validates a document. Returns what is wrong with it, in the order of its lines."""
        return self._library.validate(self._address, xml, name)

    def close(self) -> None:
        """Frees the schema in the guest."""
        address, self._address = self._address, 0
        if address:
            self._library.call("xmlSchemaFree", address)
