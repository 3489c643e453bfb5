# SPDX-License-Identifier: MIT
"""The site has every page and every public name once, and its links lead somewhere."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers import TESTS, import_file

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = TESTS.parent
pages = import_file(ROOT / "tools" / "pages.py")
SETTINGS = tomllib.loads((ROOT / "docs" / "zensical.toml").read_text(encoding="utf-8"))["project"]
MODULES = [
    "pywasm3",
    "pywasm3.compat.wasmer",
    "pywasm3.compat.wasmtime",
    "pywasm3.hook",
    "pywasm3.wasi",
    *(
        f"pywasm3.guests.{path.stem}"
        for path in sorted((ROOT / "pywasm3" / "guests").iterdir())
        if not path.name.startswith("_")
    ),
]


def pages_of(entry: Any) -> Iterator[str]:
    """Yields the pages of a part of the navigation."""
    if isinstance(entry, str):
        yield entry
    else:
        for item in entry.values() if isinstance(entry, dict) else entry:
            yield from pages_of(item)


# The names that another module has, too, and that are documented there.
ELSEWHERE = {
    "pywasm3.wasi": {"WasiExit"},
    "pywasm3.guests.napi": {
        *("BigInt", "HostMemoryExceeded", "JsError", "JsObject", "Thrown", "undefined")
    },
}


def test_the_navigation_has_each_page_once() -> None:
    places = [str(place) for place in pages.places().values() if place.suffix == ".md"]
    assert sorted(pages_of(SETTINGS["nav"])) == sorted(places)


@pytest.mark.parametrize("module", MODULES)
def test_the_reference_has_each_public_name_once(module: str) -> None:
    text = "\n".join(
        page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "reference").glob("*.md")
    )
    documented = re.findall(rf"^::: {re.escape(module)}\.(\w+)$", text, re.M)
    names = importlib.import_module(module).__all__
    assert sorted(documented) == sorted({*names} - ELSEWHERE.get(module, set()))


def test_every_link_of_every_page_leads_to_a_file() -> None:
    found = pages.places()
    for source in found:
        if source.suffix == ".md":
            text = (ROOT / source).read_text(encoding="utf-8")
            pages.with_links_of_the_site(text, source, found)


@pytest.mark.parametrize(
    ("link", "on_the_site"),
    [
        ("guide.md", "../guide.md"),
        ("guide.md#calls", "../guide.md#calls"),
        ("gallery/README.md", "../gallery/index.md"),
        ("gallery", "../gallery/index.md"),
        ("../README.md", "../index.md"),
        ("compute.svg", "../compute.svg"),
        ("../tests/guests", "{}/blob/main/tests/guests"),
        ("../setup.py", "{}/blob/main/setup.py"),
        ("https://example.org/a.md", "https://example.org/a.md"),
        ("#calls", "#calls"),
    ],
)
def test_a_link_leads_to_the_place_on_the_site(link: str, on_the_site: str) -> None:
    source = Path("docs", "page.md")
    found = pages.places() | {source: Path("deeper", "page.md")}
    made = pages.with_links_of_the_site(f"see [there]({link}).", source, found)
    assert made == f"see [there]({on_the_site.format(pages.repository())})."


def test_a_link_to_nothing_is_an_error() -> None:
    source = Path("docs", "guide.md")
    with pytest.raises(ValueError, match=r"docs/guide\.md: there is no docs/missing\.md"):
        pages.with_links_of_the_site("[a](missing.md)", source, pages.places())


def test_the_package_index_gets_links_to_the_repository() -> None:
    text = "[a](docs/guide.md#calls), ![b](docs/a.svg), [c](#part), [d](https://example.org)"
    address = pages.repository()
    assert pages.with_absolute_links(text) == (
        f"[a]({address}/blob/main/docs/guide.md#calls), ![b]({address}/raw/main/docs/a.svg), "
        "[c](#part), [d](https://example.org)"
    )
