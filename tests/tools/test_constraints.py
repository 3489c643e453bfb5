# SPDX-License-Identifier: MIT
"""tools/constraints.txt pins what pyproject.toml names, and old versions of pip can read that.

Which lines apply to a version of Python is what the package packaging says, as in pip.
"""

from __future__ import annotations

import re
import sys

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from helpers import TESTS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = TESTS.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINES = [
    line
    for line in (ROOT / "tools" / "constraints.txt").read_text(encoding="ascii").splitlines()
    if not line.startswith("#")
]
PYTHONS = [
    match[1]
    for classifier in PROJECT["project"]["classifiers"]
    if (match := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", classifier))
]


def applies(requirement: Requirement, python: str) -> bool:
    environment = {**default_environment(), "extra": ""}
    environment |= {"python_version": python, "python_full_version": f"{python}.9"}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def named() -> list[Requirement]:
    """Returns what the build, the package and its extras require, apart from the package itself."""
    lists = [PROJECT["build-system"]["requires"], PROJECT["project"]["dependencies"]]
    lists += PROJECT["project"]["optional-dependencies"].values()
    requirements = [Requirement(text) for texts in lists for text in texts]
    return [each for each in requirements if each.name != PROJECT["project"]["name"]]


@pytest.mark.parametrize("python", PYTHONS)
def test_each_package_has_one_version(python: str) -> None:
    pinned = [line for line in map(Requirement, LINES) if applies(line, python)]
    names = [canonicalize_name(line.name) for line in pinned]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("python", PYTHONS)
def test_what_the_project_requires_is_pinned(python: str) -> None:
    pins = map(Requirement, LINES)
    pinned = {canonicalize_name(line.name): line for line in pins if applies(line, python)}
    for requirement in named():
        if applies(requirement, python):
            version = pinned[canonicalize_name(requirement.name)].specifier
            (pin,) = version
            assert requirement.specifier.contains(pin.version)


def test_each_line_pins_one_exact_version() -> None:
    """A path, an address or an option of pip would hold on one machine only."""
    assert [line for line in LINES if not re.fullmatch(r"[\w.-]+==[\w.]+( ; [^;]+)?", line)] == []


@pytest.mark.parametrize("extra", PROJECT["project"]["optional-dependencies"])
def test_the_name_of_an_extra_is_not_a_version(extra: str) -> None:
    """pip 24.2 compares the names as versions if one of them is such, and cannot install then."""
    with pytest.raises(InvalidVersion):
        Version(extra)
