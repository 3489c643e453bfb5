# SPDX-License-Identifier: MIT
"""Go's html/template renders pages for Python, and what is hostile ends only its own rendering.

The program is examples/gallery/go_reactor. Its page says how the guest is compiled. How each place
of a page is read is what Python's libraries for HTML, URLs and JSON say.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import pytest

import pywasm3
from gallery_helpers import GALLERY, run_commands, run_example, run_first_lines
from go_helpers import SETTINGS
from helpers import import_file

FOLDER = GALLERY / "go_reactor"

Make = Callable[..., Any]


@pytest.fixture(scope="module")
def wasm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The guest, which the commands of the page compile; they print what the page shows."""
    folder = tmp_path_factory.mktemp("go_reactor")
    run_commands("go_reactor.md", folder, SETTINGS)
    return folder / "templates.wasm"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return import_file(FOLDER / "templates.py")


def test_the_first_lines_of_the_page_work(example: ModuleType, wasm: Path) -> None:
    found = run_first_lines("go_reactor.md", wasm.parent, Templates=example.Templates)
    assert html.unescape(str(found[""])).startswith("<b title='O'Reilly & <Sons>'>")


@pytest.fixture(scope="module")
def make(example: ModuleType, wasm: Path) -> Make:
    """A function that makes Templates of texts with the names that it is given."""
    module = pywasm3.Module(wasm.read_bytes())
    return lambda options={}, **sources: example.Templates(module, sources, **options)


@pytest.mark.parametrize(
    ("before", "after", "read"),
    [
        ("", "", html.unescape),
        ("<a title='", "'>", html.unescape),
        ('<a href="/', '">', unquote),
        ('<a href="/?q=', '">', unquote),
        ("<script>f('", "')</script>", lambda text: json.loads(f'"{text}"')),
    ],
)
def test_each_place_is_escaped_in_its_own_way(
    make: Make, before: str, after: str, read: Callable[[str], str]
) -> None:
    """Whoever reads the place by its own rules finds the text, and what is special is escaped."""
    text = "O'Reilly: How are <i>you</i>?"  # the example of the documentation
    page = make(page=before + "{{.}}" + after).render("page", text)
    escaped = page.removeprefix(before).removesuffix(after)
    assert read(escaped) == text
    assert not {"'", "<", ">"} & set(escaped)


@pytest.mark.parametrize(
    ("template", "data", "expected"),
    [
        ("{{.a}} {{.b}}", {"a": 10_000_000, "b": 0.5}, "10000000 0.5"),
        ("{{range .}}{{.}};{{end}}", ["ä", "𝄞", ""], "ä;𝄞;;"),
        ("{{if gt .n 3}}many{{end}}", {"n": 4}, "many"),
        ("{{.}}", None, ""),
        ("{{len .}}", "x" * 100_000, "100000"),
        ("{{with .a}}{{.b}}{{else}}none{{end}}", {}, "none"),
        ("{{slice . 0 1}}", "ä", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_data_of_json_arrive(make: Make, template: str, data: object, expected: str) -> None:
    assert make(page=template).render("page", data) == expected


def test_templates_use_each_other(make: Make) -> None:
    templates = make(b="[{{.}}]", a="{{template `b` .}}{{template `b` 1}}")
    assert templates.render("a", "<") == "[&lt;][1]"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{", "unclosed action"),
        ("{{nothing .}}", "not defined"),
        ("{{if .}}<script>{{end}}{{.}}", "different contexts"),
    ],
)
def test_a_template_that_is_not_valid_is_refused_at_once(
    make: Make, example: ModuleType, template: str, message: str
) -> None:
    with pytest.raises(example.TemplateError, match=message):
        make(page=template)


def test_a_message_has_at_most_four_kilobytes(make: Make, example: ModuleType) -> None:
    with pytest.raises(example.TemplateError) as caught:
        make(**{"x" * 10_000: "{{"})
    assert len(str(caught.value)) == 4096


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("a{{index . 99}}", "out of range"),
        ("a{{template `page` .}}", "exceeded maximum template depth"),
        ("{{range 200000}}0123456789{{end}}", "too long"),
        ("a{{$x := `x`}}{{range 40}}{{$x = print $x $x}}{{end}}", "out of memory"),
    ],
)
def test_a_rendering_that_fails_harms_no_other(
    make: Make, example: ModuleType, template: str, message: str
) -> None:
    templates = make({"size": 1}, page=template, good="{{.}}")
    with pytest.raises(example.TemplateError, match=message):
        templates.render("page", "text")
    assert templates.render("good", 1) == "1"
    with pytest.raises(example.TemplateError, match="undefined"):
        templates.render("another")


def test_limits_stop_a_rendering_that_takes_too_long(make: Make) -> None:
    templates = make({"size": 1}, page="a{{range 1000000000}}{{end}}", good="{{.}}")
    with pytest.raises(pywasm3.OutOfFuel):
        templates.render("page")
    with pytest.raises(pywasm3.DeadlineExceeded):
        templates.render("page", seconds=0.01)
    assert templates.render("good", 1) == "1"


def test_renderings_leave_nothing_behind(make: Make) -> None:
    """Every rendering of the same data takes the same fuel, because it begins in the same state."""
    templates = make({"size": 1}, page="{{range .}}<p>{{.}}</p>{{end}}")
    used = set()
    for _ in range(3):
        templates.render("page", list(range(100)))
        with templates._pool.instance() as instance:
            before = instance.fuel
            instance.exports.allocate(1)
            used.add((before - instance.fuel, len(instance.memory)))
    assert len(used) == 1


def test_threads_get_their_own_results(make: Make) -> None:
    templates = make(page="{{.}}")
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda number: templates.render("page", number), range(60)))
    assert results == list(map(str, range(60)))


def test_times_are_measured(wasm: Path) -> None:
    output = run_example(FOLDER / "measure.py", wasm, "--times", "1", "--no-wasmtime")
    assert len([line for line in output.splitlines() if line.endswith("ms")]) == 6
