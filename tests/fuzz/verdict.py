# SPDX-License-Identifier: MIT
"""Compares two verdicts on a module, pywasm3's and wasmtime's: is the module valid?

wasmtime's verdict is the expected one. `RULES` lists the few differences that are not bugs, each
with its reason.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

import wasmtime

import pywasm3

# The features that wasmtime validates here: WebAssembly 3.0 and the proposal that pywasm3 knows.
FEATURES = (
    "bulk_memory",
    "custom_page_sizes",
    "exceptions",
    "function_references",
    "gc",
    "memory64",
    "multi_memory",
    "multi_value",
    "reference_types",
    "relaxed_simd",
    "simd",
    "tail_call",
    "threads",
)
# Proposals that pywasm3 does not know. wasmtime's defaults might turn them on.
OTHERS = ("stack_switching", "wide_arithmetic")

UNEXPLAINED = "not explained"


@dataclass(frozen=True)
class Rule:
    """A difference that is not a bug, recognised by the error messages of both sides."""

    name: str
    ours: str | None  # pattern of pywasm3's error; None if pywasm3 accepts the module
    theirs: str | None  # pattern of wasmtime's error; None if wasmtime accepts the module
    why: str  # it is not a bug

    def explains(self, ours: str | None, theirs: str | None) -> bool:
        """Tells whether two errors are the difference that this rule describes."""
        return _is(self.ours, ours) and _is(self.theirs, theirs)


def _is(pattern: str | None, error: str | None) -> bool:
    if pattern is None or error is None:
        return pattern is error
    return re.search(pattern, error) is not None


RULES = (
    Rule(
        "legacy exceptions",
        ours=None,
        theirs=r"legacy[ _]exceptions",
        why="wasmtime does not validate them, and its Config cannot turn them on",
    ),
    Rule(
        "limit",
        ours=r"^UnsupportedError: too many",
        theirs=None,
        why="the module is valid, but beyond a limit of native/base/limits.h",
    ),
    Rule(
        "compact imports",
        ours=r"^MalformedError: malformed import kind: 0x7[ef]",
        theirs=None,
        why="wasmtime knows this proposal, and its Config cannot turn it off",
    ),
)


@dataclass(frozen=True)
class Verdict:
    """The verdicts on a module, compared.

    Attributes:
        valid: Whether pywasm3 accepts the module.
        kind: The name of the rule that explains the difference, or UNEXPLAINED; None if the
            verdicts agree.
        text: The difference in words; empty if the verdicts agree.
    """

    valid: bool
    kind: str | None = None
    text: str = ""


@functools.cache
def _engine() -> wasmtime.Engine:
    config = wasmtime.Config()
    for name in FEATURES:
        setattr(config, f"wasm_{name}", True)
    for name in OTHERS:
        setattr(config, f"wasm_{name}", False)
    config.parallel_compilation = False
    return wasmtime.Engine(config)


def objection(data: bytes) -> str | None:
    """Returns wasmtime's error for a module, or None if wasmtime accepts the module."""
    try:
        wasmtime.Module.validate(_engine(), data)
    except wasmtime.WasmtimeError as error:
        return " ".join(str(error).split())
    return None


def _ours(data: bytes) -> str | None:
    """Returns pywasm3's error for a module, or None if pywasm3 accepts the module."""
    try:
        pywasm3.Module.validate(data)
    except pywasm3.ModuleError as error:
        return f"{type(error).__name__}: {error}"
    return None


def _load(data: bytes, ours: str | None) -> str | None:
    """Returns how `Module()` and `Module.validate()` disagree, or None.

    They must give the same error. Only UnsupportedError may come from `Module()` alone, for a valid
    module that pywasm3 does not run.
    """
    try:
        pywasm3.Module(data)
    except pywasm3.ModuleError as error:
        loads = f"{type(error).__name__}: {error}"
        if loads == ours or (ours is None and isinstance(error, pywasm3.UnsupportedError)):
            return None
    else:
        if ours is None:
            return None
        loads = "nothing"
    return f"validate() raises {ours or 'nothing'}, Module() {loads}"


def judge(data: bytes) -> Verdict:
    """Compares the verdicts on a module."""
    ours, theirs = _ours(data), objection(data)
    if wrong := _load(data, ours):
        return Verdict(ours is None, UNEXPLAINED, wrong)
    if (ours is None) == (theirs is None):
        return Verdict(ours is None)
    text = f"wasmtime accepts it, we do not: {ours}" if ours else f"we accept it: {theirs}"
    for rule in RULES:
        if rule.explains(ours, theirs):
            return Verdict(ours is None, rule.name, text)
    return Verdict(ours is None, UNEXPLAINED, text)
