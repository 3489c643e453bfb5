# SPDX-License-Identifier: MIT
"""Lightning CSS, an addon of Node that is compiled to WebAssembly, does here what it does there.

npm downloads the package, once. The expected values are what the same package gives in Node, with
the implementation of Node-API in JavaScript that it comes with.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

import pywasm3
from node_helpers import in_node
from npm_helpers import LIGHTNINGCSS
from pywasm3 import Limits
from pywasm3.guests import napi

CSS = """
.ünï > a:hover, .b { color: rgb(255, 0, 0); margin: 0px 0px 0px 0px; width: calc(1px + 2px) }
@media (min-width: 640px) { .c { background: url("x y.png"); content: "北🙂" } }
.nested { & .inner { inset: 0 } transition: opacity 200ms }
"""
# What a transformation can be asked for; the code is the same in all.
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "minified": {"minify": True},
    "with a source map": {"minify": True, "sourceMap": True, "projectRoot": "/project"},
    "for old browsers": {"minify": True, "targets": {"safari": 13 << 16, "chrome": 80 << 16}},
    "CSS modules": {"cssModules": {"pattern": "[local]-[hash]"}, "analyzeDependencies": True},
    "unused": {"unusedSymbols": ["b", "c"], "pseudoClasses": {"hover": "is-hovered"}},
}
CUT = ".a { color: red } }}}"
BROKEN = {
    "a rule without an end": CUT,
    "a selector that is none": "::: { color: red }",
    "something in a media query": "@media (min-width { .a { color: red } }",
}
ATTRIBUTE = "color: yellow; inset: 0px 0px"
FILES = {
    "/main.css": '@import "a.css"; @import "deep/b.css" print; .main { color: red }',
    "/a.css": '@import "deep/b.css"; .a { color: blue }',
    "/deep/b.css": ".b { color: green }",
}
# What is asked for in Node: the bodies of functions, by the names of their results.
SCRIPTS = {
    "transform": f"""
        const all = {json.dumps(OPTIONS)}, results = {{}};
        for (const [name, options] of Object.entries(all))
            results[name] = text(css.transform(
                {{ filename: 'ü.css', code: Buffer.from({json.dumps(CSS)}), ...options }}));
        return results;""",
    "errors": f"""
        const results = {{}};
        for (const [name, code] of Object.entries({json.dumps(BROKEN)}))
            try {{ css.transform({{ filename: 'a.css', code: Buffer.from(code) }}); }}
            catch (e) {{ results[name] = [e.name, e.message, {{ ...e }}]; }}
        return results;""",
    "warnings": f"""
        return text(css.transform({{ filename: 'a.css', code: Buffer.from({json.dumps(CUT)}),
            errorRecovery: true }}));""",
    "attribute": f"""
        return text(css.transformStyleAttribute({{ code: Buffer.from({json.dumps(ATTRIBUTE)}),
            minify: true }}));""",
    "visitor": f"""
        const seen = [];
        const visitor = {{
            Length: (length) => ({{ unit: 'rem', value: length.value / 16 }}),
            Color: (color) => {{ seen.push(color.type); return {{ ...color, r: 0, g: 255 }}; }},
            Rule: {{ media: (rule) => [] }},
            Selector: (selector) => {{ seen.push(selector); }},
        }};
        const given = {{ filename: 'a.css', code: Buffer.from({json.dumps(CSS)}), visitor }};
        return [text(css.transform(given)), seen];""",
    "bundle": f"""
        const files = {json.dumps(FILES)};
        const resolver = {{ read: (path) => files[path] }};
        return text(await css.bundleAsync({{ filename: '/main.css', minify: true, sourceMap: true,
            resolver }}));""",
}


@pytest.fixture(scope="module")
def module() -> pywasm3.Module:
    return pywasm3.Module(LIGHTNINGCSS.read("package/lightningcss_node.wasm"))


@pytest.fixture(scope="module")
def css(module: pywasm3.Module) -> napi.Guest:
    # await_promise_sync, which is not of Node-API, waits for resolvers that are async.
    return napi.load(module, missing="trap")


@pytest.fixture(scope="module")
def expected() -> Any:
    """What each of the scripts returns in Node, which compiles the module once for all."""
    functions = "".join(
        f"results.{name} = await (async () => {{{s}}})();" for name, s in SCRIPTS.items()
    )
    return in_node(
        LIGHTNINGCSS,
        """
        const css = await import(`${folder}/wasm-node.mjs`);
        const text = (result) => {
            for (const key of ['code', 'map'])
                if (result[key]) result[key] = Buffer.from(result[key]).toString();
            return result;
        };
        const results = {};
        """
        + functions
        + "return results;",
    )


def text(result: dict[str, Any]) -> dict[str, Any]:
    """Returns a result with its bytes as text."""
    return {k: v.decode() if isinstance(v, bytes) else v for k, v in result.items()}


def test_css_is_transformed_like_in_node(css: napi.Guest, expected: dict[str, Any]) -> None:
    for name, options in OPTIONS.items():
        given = {"filename": "ü.css", "code": CSS.encode(), **options}
        assert text(css.exports["transform"](given)) == expected["transform"][name], name


def test_errors_have_what_they_have_in_node(css: napi.Guest, expected: dict[str, Any]) -> None:
    for name, code in BROKEN.items():
        with pytest.raises(napi.JsError) as caught:
            css.exports["transform"]({"filename": "a.css", "code": code.encode()})
        error = caught.value
        assert [error.name, error.message, error.details] == expected["errors"][name], name


def test_errors_become_warnings_like_in_node(css: napi.Guest, expected: dict[str, Any]) -> None:
    given = {"filename": "a.css", "code": CUT.encode(), "errorRecovery": True}
    assert text(css.exports["transform"](given)) == expected["warnings"]


def test_a_style_attribute_is_transformed_like_in_node(
    css: napi.Guest, expected: dict[str, Any]
) -> None:
    result = css.exports["transformStyleAttribute"]({"code": ATTRIBUTE.encode(), "minify": True})
    assert text(result) == expected["attribute"]


def test_functions_of_python_visit_rules(css: napi.Guest, expected: dict[str, Any]) -> None:
    """They get parts of the style sheet as dicts, and return what replaces them."""
    seen: list[Any] = []

    def color(value: dict[str, Any]) -> dict[str, Any]:
        seen.append(value["type"])
        return {**value, "r": 0, "g": 255}

    visitor = {
        "Length": lambda length: {"unit": "rem", "value": length["value"] / 16},
        "Color": color,
        "Rule": {"media": lambda rule: []},
        "Selector": seen.append,
    }
    given = {"filename": "a.css", "code": CSS.encode(), "visitor": visitor}
    assert [text(css.exports["transform"](given)), seen] == expected["visitor"]


def test_an_exception_of_a_visitor_ends_the_transformation(css: napi.Guest) -> None:
    raised = LookupError("from the visitor")

    def visit(_: object) -> None:
        raise raised

    with pytest.raises(LookupError) as caught:
        css.exports["transform"](
            {"filename": "a.css", "code": CSS.encode(), "visitor": {"Length": visit}}
        )
    assert caught.value is raised


def test_python_reads_the_files_of_a_bundle(css: napi.Guest, expected: dict[str, Any]) -> None:
    options = {"filename": "/main.css", "minify": True, "sourceMap": True}
    result = css.exports["bundle"]({**options, "resolver": {"read": FILES.__getitem__}})
    assert text(result) == expected["bundle"]


def test_calls_leave_nothing_behind(css: napi.Guest) -> None:
    given = {"filename": "a.css", "code": CSS.encode() * 20, "minify": True, "sourceMap": True}
    for turn in range(12):
        css.exports["transform"](given)
        if turn == 3:
            before = css.host_bytes, css.handles, len(css.instance.memory)
    assert (css.host_bytes, css.handles, len(css.instance.memory)) == before


def test_a_transformation_runs_out_of_fuel(module: pywasm3.Module) -> None:
    guest = napi.load(module, missing="trap", limits=Limits(fuel=10_000_000))
    guest.instance.fuel = 1000
    with pytest.raises(pywasm3.OutOfFuel):
        guest.exports["transform"]({"filename": "a.css", "code": CSS.encode()})
