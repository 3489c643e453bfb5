# SPDX-License-Identifier: MIT
"""The ways to compile C and C++ guests that throw or jump. A test runs with each that it names.

A file of tests that asks for a program has a function `compiled`, which compiles its guest.
"""

from __future__ import annotations

import pytest

from zig_helpers import EMSCRIPTEN, EXNREF, LEGACY, Program, Way


@pytest.fixture(params=["-O0", "-O2"])
def optimize(request: pytest.FixtureRequest) -> str:
    """The flag of the compiler that says how much it optimizes."""
    return str(request.param)


@pytest.fixture(params=[EXNREF, LEGACY, EMSCRIPTEN], ids=str)
def way(request: pytest.FixtureRequest) -> Way:
    """Every way to throw."""
    found: Way = request.param
    return found


@pytest.fixture(params=[EXNREF, LEGACY], ids=str)
def instructions(request: pytest.FixtureRequest) -> Way:
    """Every way to throw that has instructions for it."""
    found: Way = request.param
    return found


@pytest.fixture
def program(request: pytest.FixtureRequest, way: Way, optimize: str) -> Program:
    """The guest of the tests, which throws in each way."""
    return Program(request.module.compiled(way, optimize), way)


@pytest.fixture
def by_instructions(request: pytest.FixtureRequest, instructions: Way, optimize: str) -> Program:
    """The guest of the tests, which throws in each way that has instructions for it."""
    return Program(request.module.compiled(instructions, optimize), instructions)
