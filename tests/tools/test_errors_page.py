# SPDX-License-Identifier: MIT
"""docs/errors.md has each message of the package, each kind of trap and each class of exception."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest

import pywasm3
from helpers import TESTS, import_file
from message_helpers import Message, matches, messages, texts
from pywasm3._errors import _STACKS

PAGE = (TESTS.parent / "docs" / "errors.md").read_text(encoding="utf-8")
SITE = import_file(TESTS.parent / "tools" / "pages.py").address("Documentation") + "errors/"
MODULES = [
    "pywasm3",
    "pywasm3.wasi",
    *(
        f"pywasm3.guests.{name}"
        for name in ("assemblyscript", "bindgen", "emscripten", "gojs", "napi")
    ),
    "pywasm3.guests.strings",
]
# The section of the page for a class of Python, or for a code of C.
SECTIONS = {
    "PW_MALFORMED": ["`MalformedError`"],
    "MalformedError": ["`MalformedError`"],
    "PW_INVALID": ["`InvalidError`"],
    "PW_UNSUPPORTED": ["`UnsupportedError`"],
    "UnsupportedError": ["`UnsupportedError`"],
    "PW_LIMIT": ["`UnsupportedError`", "Limits"],
    "PW_NO_MEMORY": ["Limits"],
    "PW_LINK": ["`LinkError`"],
    "LinkError": ["`LinkError`"],
    "PW_SNAPSHOT": ["`SnapshotError`"],
    "SnapshotError": ["`SnapshotError`"],
    "damaged": ["`SnapshotError`"],
    "PW_TRAPPED": ["`Trap`"],
    "AllocationError": ["Strings: `AllocationError`"],
    "ObjectError": ["AssemblyScript: `ObjectError`, `Abort`"],
    "BindingError": ["Emscripten's embind: `BindingError`, `UnboundTypeError`, `ThrownValue`"],
    "GlueError": ["wasm-bindgen: `JsError`, `Thrown`, `GlueError`, `HostMemoryExceeded`"],
    "CommandError": ["Command line"],
    "UsageError": ["Command line"],
    "_wrong": ["Command line"],
}


# What Python itself says of the types of pywasm3._cpython, pywasm3/_pure has to say of its own.
OF_PYTHON = re.compile(
    "^cannot pickle|is not an acceptable base type|has no attribute|^cannot create '|^cannot fit '"
    "|^a bytes-like object is required|got an unexpected keyword|got several values for"
    "|^Python int too large|underlying buffer is not writable|Object is not writable"
)


class Entry(NamedTuple):
    """A message of the page."""

    section: str
    text: str


def entries() -> Iterator[Entry]:
    section = ""
    for line in PAGE.splitlines():
        if line.startswith("#"):
            section = line.lstrip("# ")
        elif line.startswith("| `"):
            # The first cell has messages, or the kind of a trap, whose message is in the second.
            cells = line.split("|")
            is_trap = re.fullmatch(r" `[A-Z0-9_]+` ", cells[1])
            for text in re.findall(r"`([^`]+)`", cells[2 if is_trap else 1]):
                yield Entry(section, text)


ENTRIES = list(entries())
HEADINGS = re.findall(r"^#+ (.*)$", PAGE, re.M)


def has_entry(message: Message) -> bool:
    sections = SECTIONS.get(message.maker)
    return any(
        matches(entry.text, message.text)
        for entry in ENTRIES
        if sections is None or entry.section in sections
    )


def is_explained_with_its_class(message: Message) -> bool:
    """Returns whether a message has no entry: those of JavaScript, and errors of the package."""
    if message.maker in ("PyExc_SystemError", "SystemError"):
        return True
    if message.place.startswith("pywasm3/_pure/") and OF_PYTHON.search(message.text):
        return True
    if re.match(r"_\w+\(\) needs", message.text):
        return True
    return message.maker in ("JsError", "JSError", "type_error", "range_error")


def exceptions(module: str) -> list[type[BaseException]]:
    names = importlib.import_module(module)
    found = [getattr(names, name) for name in names.__all__]
    return [item for item in found if isinstance(item, type) and issubclass(item, BaseException)]


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\s-]", "", heading).lower().replace(" ", "-")


def test_every_message_has_an_entry_in_the_section_of_its_class() -> None:
    without = [
        message
        for message in messages()
        if not is_explained_with_its_class(message) and not has_entry(message)
    ]
    assert not without, "\n".join(f"{place}: {text}" for place, _, text in without)


def test_every_entry_is_a_text_of_the_sources() -> None:
    known = [message.text for message in messages()]
    others = [entry.text for entry in ENTRIES if not any(matches(entry.text, k) for k in known)]
    parts = texts()
    stale = [text for text in others if not any(matches(text, part) for part in parts)]
    assert not stale


def test_every_trap_has_an_entry() -> None:
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \| `([^`]+)` ", PAGE, re.M)
    assert dict(rows) == {kind.name: kind.value for kind in pywasm3.TrapKind}


@pytest.mark.parametrize("detail", _STACKS.values(), ids=_STACKS)
def test_every_stack_that_can_be_used_up_has_an_entry(detail: str) -> None:
    assert any(e.section == "`StackExhausted`" and matches(e.text, detail) for e in ENTRIES)


@pytest.mark.parametrize("module", MODULES)
def test_every_class_of_exception_has_a_heading(module: str) -> None:
    named = set(re.findall(r"`(\w+)`", "\n".join(HEADINGS)))
    assert {each.__name__ for each in exceptions(module)} <= named


@pytest.mark.parametrize("error", exceptions("pywasm3"), ids=lambda error: error.__name__)
def test_the_docstring_of_an_exception_leads_to_its_heading(error: type[BaseException]) -> None:
    heading = next(heading for heading in HEADINGS if f"`{error.__name__}`" in heading)
    assert f"{SITE}#{anchor(heading)}" in (error.__doc__ or "")


def test_every_link_within_the_page_leads_to_a_heading() -> None:
    links = re.findall(r"\]\(#([^)]*)\)", PAGE)
    assert links
    assert {*links} <= {anchor(heading) for heading in HEADINGS}


def test_a_new_message_would_be_noticed() -> None:
    assert not has_entry(Message("x.py:1", "ValueError", "the frobnicator has … knobs"))
    assert not has_entry(Message("x.c:1", "PW_INVALID", "malformed limits flags: …"))
