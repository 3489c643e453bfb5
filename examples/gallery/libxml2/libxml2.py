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
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import SupportsIndex

import pywasm3
from pywasm3.guests import emscripten
from pywasm3.guests.strings import Heap

LIMITS = pywasm3.Limits(memory=256 << 20, timeout=60.0)
MAX_PROBLEMS = 100  # of one document
MAX_MESSAGE_BYTES = 4096

# Options of libxml2's parser: it replaces entities by their texts (also those of external files,
# which the guest does not have), makes no connections, and counts more than 65,535 lines.
NOENT, NONET, BIG_LINES = 1 << 1, 1 << 11, 1 << 22

# The places of some fields in an xmlError, where pointers have 32 bits.
MESSAGE, LEVEL, LINE, COLUMN = 8, 12, 20, 40


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
        self._program = emscripten.load(module, limits=limits)
        self._memory = self._program.memory
        self._heap = Heap(self._program.instance)
        self.call("xmlInitParser")
        # libxml2 reports problems to a function pointer.
        handler = pywasm3.host_function(
            pywasm3.FuncType(["i32", "i32"]), self._report, store=self._program.instance.store
        )
        self._handler = self._program.function_index(handler)

    def call(self, name: str, *arguments: SupportsIndex) -> int:
        """Calls a function of libxml2. Returns its result, of which pointers are not negative."""
        result = self._program.exports[name](*arguments)
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
        with self._heap.put(xml) as text, self._heap.put(name) as url:
            parser = self.call("xmlNewParserCtxt")
            self.call("xmlCtxtSetErrorHandler", parser, self._handler, 0)
            options = NOENT | NONET | BIG_LINES
            size = len(xml)
            document = self.call("xmlCtxtReadMemory", parser, text, size, url, 0, options)
            self.call("xmlFreeParserCtxt", parser)
        yield document
        if document:
            self.call("xmlFreeDoc", document)

    @contextmanager
    def _reports(self) -> Iterator[list[Problem]]:
        """The list into which problems go meanwhile."""
        self._problems = []
        yield self._problems

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
