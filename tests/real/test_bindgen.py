# SPDX-License-Identifier: MIT
"""Packages of wasm-bindgen do in Python what they do in Node, with the JavaScript they come with.

npm downloads the packages, once. The expected values are what the same version gives in Node,
where nothing else is said.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

import pywasm3
from node_helpers import in_node
from npm_helpers import MINIFY_HTML, Package
from pywasm3 import Limits
from pywasm3.guests import bindgen

RESVG = Package(  # target "web", bundled into a file; MPL-2.0
    "@resvg/resvg-wasm",
    "2.6.2",
    "ff51acbb5ee0074601b75c3bea9226a18d346752af787f6d2d3adcdd98493d71",
)
BLAKE3 = Package(  # target "nodejs"; MIT
    "blake3-wasm", "2.1.5", "aea789d6afd5cbf677396869978d4de2a5e549a1a758569bae3e964f70e756d2"
)
MARKDOWN = Package(  # target "bundler"; MIT
    "pulldown-cmark", "0.1.8", "bff8f3c7c30baf33546744358de4ae2e875e0d7f340cc2b0f12fca8c7cc68df4"
)
CSS_INLINE = Package(  # target "web", bundled into a file for CommonJS; MIT
    "@css-inline/css-inline-wasm",
    "0.21.2",
    "853ee42c1e33b2e13f35af637d4fb788662d7b265db2fb2bc8252c1af9fb3d74",
)
SWC = Package(  # target "nodejs", with promises; Apache-2.0
    "@swc/wasm", "1.16.18", "0dad515eef585c2fa5c356095a1163311d2b6aa1944e0358230c893c23f856fa"
)
RUFF = Package(  # target "nodejs", with externref; MIT
    "@astral-sh/ruff-wasm-nodejs",
    "0.17.4",
    "114aa8a86810476791a694c5b9c97d001c3c85fb0ff368ff108be589ac744388",
)
TO_MARKDOWN = Package(  # all targets; MIT
    "@kreuzberg/html-to-markdown-wasm",
    "3.7.2",
    "8eac0a814636441e672e43f05ef5ed840dca53723ae4174d1651216625a4d7c2",
)
WATIFY = Package(  # the text format of WebAssembly to modules; MPL-2.0
    "@mdn/watify", "1.1.9", "f456efd7e139c60730714512371599edff9cb299e210c0e1f7c1e9afbc9bc7bd"
)


def loaded(package: Package, module: str, glue: str, **options: Any) -> bindgen.Bindgen:
    """Loads a module of a package with its JavaScript."""
    wasm, text = package.read(f"package/{module}"), package.read(f"package/{glue}").decode()
    return bindgen.load(wasm, glue=text, **options)


# ---- minify-html ----

PAGE = """<!doctype html>
<html>  <head> <title> A  page </title> <style> p { color : #ff0000 ; } </style>
<script> const  first = 1 ;  const second = first + 2 ; console.log( second ) ; </script> </head>
<body>  <p class="x">  Ünïcödé  北京  <b> bold </b> 🙂 </p> <!-- a comment --> </body> </html>"""
MINIFY_OPTIONS = {"minify_js": True, "minify_css": True, "keep_comments": True}


# What the package minify-html 0.18.1 of PyPI gives, which is the same library, compiled natively.
# Node 20 cannot be asked, because it does not know all types of the module.
MINIFIED = (
    "<!doctype html><title> A  page </title><style>p { color : #ff0000 ; }</style><script>"
    "const  first = 1 ;  const second = first + 2 ; console.log( second ) ;</script><body>"
    "<p class=x>Ünïcödé 北京 <b> bold </b> 🙂"
)
MINIFIED_BY_OPTIONS = (
    "<!doctype html><title> A  page </title><style>p{color:red}</style><script>"
    "const first=1,second=3;console.log(3);</script><body>"
    "<p class=x>Ünïcödé 北京 <b> bold </b> 🙂<!-- a comment -->"
)


def test_minify_html_minifies_like_the_native_library() -> None:
    minify = loaded(MINIFY_HTML, "index_bg.wasm", "index_bg.js").exports.minify
    assert minify(PAGE.encode(), {}).decode() == MINIFIED
    assert minify(PAGE.encode(), MINIFY_OPTIONS).decode() == MINIFIED_BY_OPTIONS


def test_objects_of_calls_do_not_stay() -> None:
    minifier = loaded(MINIFY_HTML, "index_bg.wasm", "index_bg.js")
    minifier.exports.minify(PAGE.encode(), MINIFY_OPTIONS)
    before = minifier.host_bytes
    for _ in range(20):
        minifier.exports.minify(PAGE.encode(), MINIFY_OPTIONS)
    assert minifier.host_bytes == before


def test_a_package_runs_out_of_fuel() -> None:
    minifier = loaded(MINIFY_HTML, "index_bg.wasm", "index_bg.js", limits=Limits(fuel=20_000_000))
    minifier.instance.fuel = 1000
    with pytest.raises(pywasm3.OutOfFuel):
        minifier.exports.minify(PAGE.encode(), {})


# ---- resvg ----

SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60">
<defs><linearGradient id="g"><stop stop-color="red"/><stop offset="1" stop-color="#00f"/>
</linearGradient></defs><rect width="80" height="50" fill="url(#g)"/>
<circle cx="50" cy="30" r="20" fill="#0f08" stroke="black"/></svg>"""
RESVG_OPTIONS = {"fitTo": {"mode": "width", "value": 180}, "background": "#fff"}


def test_resvg_renders_the_same_png() -> None:
    resvg = loaded(RESVG, "index_bg.wasm", "index.mjs")
    script = f"""
        const {{ Resvg, initWasm }} = require(`${{folder}}/index.js`);
        await initWasm(fs.readFileSync(`${{folder}}/index_bg.wasm`));
        const svg = new Resvg({json.dumps(SVG)}, {json.dumps(RESVG_OPTIONS)});
        const image = svg.render();
        const box = svg.getBBox();
        return [svg.width, image.width, image.height, image.asPng(), svg.toString(), box.width];"""
    width, wide, high, png, text, box_width = in_node(RESVG, script)
    resvg.exports.initWasm(b"")  # the package's own wrapper asks for it; it is a promise there
    with resvg.exports.Resvg(SVG, RESVG_OPTIONS) as svg:
        with svg.render() as image:
            assert (svg.width, image.width, image.height) == (width, wide, high)
            assert image.asPng().hex() == png
        assert svg.toString() == text
        assert svg.getBBox().width == box_width


def test_an_error_of_resvg_is_an_error_of_javascript() -> None:
    resvg = loaded(RESVG, "index_bg.wasm", "index.mjs")
    resvg.exports.initWasm(b"")
    with pytest.raises(bindgen.JsError, match=r"root node|SVG"):
        resvg.exports.Resvg("<html/>")


def test_an_object_that_was_freed_is_refused() -> None:
    resvg = loaded(RESVG, "index_bg.wasm", "index.mjs")
    resvg.exports.initWasm(b"")
    svg = resvg.exports.Resvg(SVG)
    svg.free()
    with pytest.raises((bindgen.JsError, pywasm3.Trap), match="null pointer"):
        svg.render()


# ---- BLAKE3 ----


def test_blake3_hashes_like_in_node() -> None:
    folder = "dist/wasm/nodejs"
    blake3 = loaded(BLAKE3, f"{folder}/blake3_js_bg.wasm", f"{folder}/blake3_js.js").exports
    script = """
        const blake3 = require(`${folder}/dist/wasm/nodejs/blake3_js.js`);
        const data = new Uint8Array(100000).map((_, i) => i * 7);
        const short = new Uint8Array(32), long = new Uint8Array(100);
        blake3.hash(data, short);
        const hasher = blake3.create_derive('a context ü');
        hasher.update(data); hasher.update(data.subarray(0, 5));
        const reader = hasher.reader();
        reader.set_position(64n);
        reader.fill(long);
        return [short, long];"""
    data = bytes(i * 7 & 0xFF for i in range(100_000))
    short, long = bytearray(32), bytearray(100)
    blake3.hash(data, short)
    with blake3.create_derive("a context ü") as hasher:
        hasher.update(data)
        hasher.update(data[:5])
        with hasher.reader() as reader:
            reader.set_position(64)
            reader.fill(long)
    assert [short.hex(), long.hex()] == in_node(BLAKE3, script)


# ---- Markdown ----

DOCUMENT = """# Title ü

Hello *world*, [a link](https://example.org "t") and `code`. 北京 🙂

- [ ] one
- [x] two

| a | b |
|---|--:|
| 1 | 2 |

```rust
fn main() {}
```
"""


def test_markdown_becomes_the_same_html() -> None:
    markdown = loaded(MARKDOWN, "dist/index_bg.wasm", "dist/index_bg.js")
    script = f"""
        const {{ parse }} = await bundled(`${{folder}}/dist`, 'index_bg.wasm', 'index_bg.js');
        return parse({json.dumps(DOCUMENT)});"""
    assert markdown.exports.parse(DOCUMENT) == in_node(MARKDOWN, script)


@pytest.mark.parametrize(
    ("target", "glue"),
    [
        ("nodejs", "html_to_markdown_wasm.js"),
        ("web", "html_to_markdown_wasm.js"),
        ("bundler", "html_to_markdown_wasm_bg.js"),
    ],
)
def test_every_target_of_wasm_bindgen_is_loaded(target: str, glue: str) -> None:
    html = "<h1>Ü</h1><p>some <b>bold</b></p><table><tr><th>a</th></tr><tr><td>1</td></tr></table>"
    script = f"""
        const {{ convert }} = require(`${{folder}}/pkg/nodejs/html_to_markdown_wasm.js`);
        return convert({json.dumps(html)}).content;"""
    module = f"pkg/{target}/html_to_markdown_wasm_bg.wasm"
    convert = loaded(TO_MARKDOWN, module, f"pkg/{target}/{glue}").exports.convert
    with convert(html) as result:
        assert result.content == in_node(TO_MARKDOWN, script)


# ---- CSS ----


def test_css_is_inlined_like_in_node() -> None:
    html = "<html><head><style>h1 { color: blue } p.x { margin: 0 }</style></head>"
    html += "<body><h1>Ü</h1><p class=x>text</p></body></html>"
    script = f"""
        const {{ initWasm, inline }} = require(`${{folder}}/index.js`);
        await initWasm(fs.readFileSync(`${{folder}}/index_bg.wasm`));
        return inline({json.dumps(html)}, {{ keepStyleTags: true }});"""
    css = loaded(CSS_INLINE, "index_bg.wasm", "index.js").exports
    css.initWasm(b"")
    assert css.inline(html, {"keepStyleTags": True}) == in_node(CSS_INLINE, script)


# ---- SWC ----

PROGRAM = "enum E { A = 1, B }\nclass C<T> { #p = E.B; get(): number { return this.#p ?? 0 } }"
SWC_OPTIONS = {
    "jsc": {"parser": {"syntax": "typescript"}, "target": "es2015"},
    "sourceMaps": True,
    "filename": "program.ts",
}


def test_swc_transforms_like_in_node() -> None:
    swc = loaded(SWC, "wasm_bg.wasm", "wasm.js").exports
    script = f"""
        const swc = require(`${{folder}}/wasm.js`);
        const program = {json.dumps(PROGRAM)}, options = {json.dumps(SWC_OPTIONS)};
        let error;
        try {{ swc.transformSync('let = = 3', {{}}); }} catch (e) {{ error = String(e); }}
        return [swc.transformSync(program, options), await swc.transform(program, options),
            swc.parseSync('a ?? 1.5', {{ syntax: 'ecmascript' }}), error];"""
    transformed, awaited, parsed, error = in_node(SWC, script)
    assert swc.transformSync(PROGRAM, SWC_OPTIONS) == transformed
    assert swc.transform(PROGRAM, SWC_OPTIONS) == awaited  # a promise, which is waited for
    # Positions are counted over all programs, and two more have been read in Node, too.
    first = loaded(SWC, "wasm_bg.wasm", "wasm.js").exports
    for program in ("let = = 3", PROGRAM, PROGRAM):
        try:
            first.transformSync(program, SWC_OPTIONS if program == PROGRAM else {})
        except bindgen.Thrown as thrown:
            assert str(thrown.value) == error
    assert first.parseSync("a ?? 1.5", {"syntax": "ecmascript"}) == parsed


# ---- Ruff ----


def test_ruff_checks_and_formats_like_in_node() -> None:
    ruff = loaded(RUFF, "ruff_wasm_bg.wasm", "ruff_wasm.js").exports
    source = "import os\nx = 1 +  2\nif x==3 :\n  print( 'ü 🙂' )\n"
    script = f"""
        const {{ Workspace, PositionEncoding }} = require(`${{folder}}/ruff_wasm.js`);
        const workspace =
            new Workspace(Workspace.defaultSettings(), PositionEncoding.Utf16);
        const source = {json.dumps(source)};
        return [workspace.check(source), workspace.format(source), Workspace.version()];"""
    checked, formatted, version = in_node(RUFF, script)
    settings, encoding = ruff.Workspace.defaultSettings(), ruff.PositionEncoding["Utf16"]
    with ruff.Workspace(settings, encoding) as workspace:
        assert workspace.check(source) == checked
        assert workspace.format(source) == formatted
    assert ruff.Workspace.version() == version


# ---- without the JavaScript ----


def test_exports_are_declared_instead_of_the_glue() -> None:
    declared = {"minify": bindgen.function([bindgen.Bytes, bindgen.Borrowed], bindgen.Bytes)}
    package = bindgen.load(MINIFY_HTML.read("package/index_bg.wasm"), exports=declared)
    assert package.exports.minify(PAGE.encode(), MINIFY_OPTIONS).decode() == MINIFIED_BY_OPTIONS
    before = package.host_bytes
    for _ in range(5):
        package.exports.minify(PAGE.encode(), MINIFY_OPTIONS)
    assert package.host_bytes == before


def test_a_text_is_declared() -> None:
    declared = {"parse": bindgen.function([bindgen.Text], bindgen.Text)}
    package = bindgen.load(MARKDOWN.read("package/dist/index_bg.wasm"), exports=declared)
    glue = loaded(MARKDOWN, "dist/index_bg.wasm", "dist/index_bg.js")
    assert package.exports.parse(DOCUMENT) == glue.exports.parse(DOCUMENT)


def test_a_result_and_its_error_are_declared() -> None:
    """The module has its objects in a table of externref, and returns several values."""
    declared = {"watify": bindgen.function([bindgen.Text], bindgen.Bytes, fails=True)}
    package = bindgen.load(WATIFY.read("package/watify_bg.wasm"), exports=declared)
    module = package.exports.watify('(module (func (export "f") (result i32) i32.const 42))')
    assert pywasm3.Instance(pywasm3.Module(module)).exports.f() == 42
    with pytest.raises(bindgen.Thrown, match="expected valid module field"):
        package.exports.watify("(modul")


def test_images_that_python_forgets_are_freed() -> None:
    resvg = loaded(RESVG, "index_bg.wasm", "index.mjs")
    resvg.exports.initWasm(b"")
    for turn in range(12):
        resvg.exports.Resvg(SVG, {"fitTo": {"mode": "width", "value": 1000}}).render()
        if turn == 3:
            before = len(resvg.instance.memory)
    assert len(resvg.instance.memory) == before
