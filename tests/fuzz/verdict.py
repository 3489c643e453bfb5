# SPDX-License-Identifier: MIT
"""Two verdicts on a module, pywasm3's and wasmtime's, and the rules for where they may differ."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

import wasmtime

import pywasm3
from spec.features import WASM_3

# What wasmtime is told to validate: WebAssembly 3.0, and the proposals that we know of.
FEATURES = (*WASM_3, "custom_page_sizes")
# Proposals that it may know beyond, and might have on.
OTHERS = ("stack_switching", "wide_arithmetic")

UNEXPLAINED = "not explained"


@dataclass(frozen=True)
class Rule:
    """A difference that is no mistake: which words of which side give it away, and why."""

    name: str
    ours: str | None  # a pattern of our error; None: we accept it
    theirs: str | None  # a pattern of wasmtime's error; None: it accepts
    why: str

    def explains(self, ours: str | None, theirs: str | None) -> bool:
        """Whether it is this difference."""
        return _is(self.ours, ours) and _is(self.theirs, theirs)


def _is(pattern: str | None, error: str | None) -> bool:
    if pattern is None or error is None:
        return pattern is error
    return re.search(pattern, error) is not None


RULES = (
    Rule(
        "limit",
        ours=r"^UnsupportedError: too many",
        theirs=None,
        why="valid, but beyond a limit of native/base/limits.h",
    ),
    Rule(
        "compact imports",
        ours=r"^MalformedError: malformed import kind: 0x7[ef]",
        theirs=None,
        why="wasmtime knows the proposal, and its Config cannot turn it off",
    ),
)


@dataclass(frozen=True)
class Verdict:
    """What both say of a module.

    Attributes:
        valid: Whether pywasm3 accepts it.
        kind: Of the difference: a rule's name or UNEXPLAINED; None when there is none.
        text: The difference in words, or "".
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
    """What wasmtime has against a module."""
    try:
        wasmtime.Module.validate(_engine(), data)
    except wasmtime.WasmtimeError as error:
        return " ".join(str(error).split())
    return None


def _ours(data: bytes) -> str | None:
    """What we have against it."""
    try:
        pywasm3.Module.validate(data)
    except pywasm3.ModuleError as error:
        return f"{type(error).__name__}: {error}"
    return None


def _load(data: bytes, ours: str | None) -> str | None:
    """What is wrong with how a module loads: as it validates, but for what we do not run."""
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
    """Compares the verdicts."""
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
