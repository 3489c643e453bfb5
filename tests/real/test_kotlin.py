# SPDX-License-Identifier: MIT
"""A program that Kotlin compiled to structures and arrays starts on a page that Python has made.

It is the module of pip's package ciris-client-wasm (AGPL-3.0), the user interface of a program:
22 MB, with 53,000 functions. Kotlin's strings are arrays of the guest; those for the host pass
through a memory. The page is a document with few elements. Skia, with which the program draws, is
not there: its functions return null, which the program must notice. Expected values are what the
program's own page and style are about, and Kotlin's error for a null pointer of Skia.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

import pytest

import pywasm3
from pip_helpers import Wheel

CLIENT = Wheel(
    "ciris-client-wasm",
    "0.5.234",
    "d0c79917a08bccda3e24d0bb0bcb375ba924aa5453ee7280f5da5c4c4736be63",
)
MODULE = "ciris_client_wasm/_artifacts/wasm-browser/ciris-shared.wasm"


class KotlinError(Exception):
    """An exception of Kotlin that no code of Kotlin caught: the name of its class, and its text."""


class Element:
    """An element of the page, or a text, whose tag is None."""

    def __init__(self, tag: str | None, text: str = "") -> None:
        self.tag, self.text = tag, text
        self.children: list[Element] = []
        self.type = ""

    def all(self, tag: str) -> list[Element]:
        """Returns the elements below this one that have a tag."""
        inner = [found for each in self.children for found in each.all(tag)]
        return [each for each in self.children if each.tag == tag] + inner


class Page:
    """The functions of JavaScript that the program calls, on a document of a few elements."""

    def __init__(self, module: pywasm3.Module) -> None:
        self.document, self.head, self.canvas = Element("html"), Element("head"), Element("canvas")
        self.head.children.append(Element("title"))
        self.document.children += [self.head, self.canvas]
        self.later: list[object] = []  # closures of Kotlin that shall be called later
        self.closures: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
        functions = {**self.library(), **self.elements()}
        skia = {each.name: lambda *_: 0 for each in module.imports if "skiko" in each.module}
        imports = {"js_code": functions, "./skiko.mjs": skia}
        self.instance = pywasm3.Instance(module, imports, missing="trap")

    def start(self) -> None:
        """Runs the program's main function."""
        self.instance.exports._initialize()

    def library(self) -> dict[str, Callable[..., Any]]:
        """Returns functions of Kotlin's own library, most of which are about strings."""

        def from_memory(address: int, length: int, before: str | None) -> str:
            data = bytes(self.instance.memory.read(address, 2 * length))
            return (before or "") + data.decode("utf-16-le", "surrogatepass")

        def to_memory(text: str, start: int, length: int, address: int) -> None:
            data = text.encode("utf-16-le", "surrogatepass")
            self.instance.memory.write(address, data[2 * start : 2 * (start + length)])

        def throw(message: str | None, name: str, stack: str) -> None:
            raise KotlinError(name, message)

        return {
            "kotlin.captureStackTrace": lambda: "",
            "kotlin.random.initialSeed": lambda: 7,
            "kotlin.wasm.internal.throwJsError": throw,
            "kotlin.wasm.internal.stringLength": lambda text: len(text.encode("utf-16-le")) // 2,
            "kotlin.wasm.internal.importStringFromWasm": from_memory,
            "kotlin.wasm.internal.jsExportStringToWasm": to_memory,
            "kotlin.wasm.internal.getJsEmptyString": lambda: "",
            "kotlin.wasm.internal.getCachedJsObject_$external_fun": self.closures.setdefault,
            "kotlin.wasm.internal.isNullish": lambda value: value is None,
        }

    def elements(self) -> dict[str, Callable[..., Any]]:
        """Returns the functions for the page that the program calls when it starts."""

        def later(closure: object, milliseconds: int) -> int:
            self.later.append(closure)
            return len(self.later)

        def text_of(element: Element, text: str) -> None:
            element.text = text

        def type_of(element: Element, type: str) -> None:
            element.type = type

        def append(parent: Element, child: Element) -> Element:
            parent.children.append(child)
            return child

        def is_a(tag: str) -> Callable[[object], bool]:
            return lambda value: isinstance(value, Element) and value.tag == tag

        return {
            "kotlinx.browser.window_$external_prop_getter": lambda: self,
            "kotlinx.browser.document_$external_prop_getter": lambda: self.document,
            "org.w3c.dom.document_$external_prop_getter": lambda window: self.document,
            "org.w3c.dom.location_$external_prop_getter": lambda window: ("/", ""),
            "org.w3c.dom.devicePixelRatio_$external_prop_getter": lambda window: 1.0,
            "org.w3c.dom.pathname_$external_prop_getter": lambda location: location[0],
            "org.w3c.dom.search_$external_prop_getter": lambda location: location[1],
            "org.w3c.dom.referrer_$external_prop_getter": lambda document: "",
            "org.w3c.dom.head_$external_prop_getter": lambda document: self.head,
            "org.w3c.dom.documentElement_$external_prop_getter": lambda document: self.document,
            "org.w3c.dom.getElementsByTagName_$external_fun": lambda element, tag: element.all(tag),
            "org.w3c.dom.item_$external_fun_1": lambda items, index: items[index],
            "org.w3c.dom.getElementById_$external_fun": lambda document, id: self.canvas,
            "org.w3c.dom.HTMLTitleElement_$external_class_instanceof": is_a("title"),
            "org.w3c.dom.HTMLStyleElement_$external_class_instanceof": is_a("style"),
            "org.w3c.dom.HTMLCanvasElement_$external_class_instanceof": is_a("canvas"),
            "org.w3c.dom.textContent_$external_prop_setter": text_of,
            "org.w3c.dom.type_$external_prop_setter": type_of,
            "org.w3c.dom.createElement_$external_fun": lambda document, tag, *_: Element(tag),
            "org.w3c.dom.createTextNode_$external_fun": lambda document, text: Element(None, text),
            "org.w3c.dom.appendChild_$external_fun": append,
            "kotlinx.coroutines.tryGetProcess": lambda: None,
            "kotlinx.coroutines.tryGetWindow": lambda: None,
            "kotlin.js.__convertKotlinClosureToJsClosure_(()->Unit)": lambda closure: closure,
            "kotlinx.coroutines.setTimeout_$external_fun": later,
        }


@pytest.fixture(scope="module")
def module() -> pywasm3.Module:
    return pywasm3.Module(CLIENT.read(MODULE))


@pytest.fixture
def page(module: pywasm3.Module) -> Iterator[Page]:
    made = Page(module)
    yield made
    made.instance.close()


def test_kotlin_writes_the_page_and_notices_that_skia_is_not_there(page: Page) -> None:
    with pytest.raises(KotlinError) as caught:
        page.start()
    assert caught.value.args == ("RuntimeException", "Can't wrap nullptr")
    [title], [style] = page.head.all("title"), page.head.all("style")
    assert title.text == "CIRIS Agent"
    assert style.type == "text/css"
    assert style.children[0].text.startswith("body { margin: 0;")


def test_a_class_cast_of_kotlin_fails_on_another_element(page: Page) -> None:
    page.head.children[0] = Element("canvas")
    page.head.all = lambda tag: page.head.children  # type: ignore[method-assign]
    with pytest.raises(KotlinError) as caught:
        page.start()
    assert caught.value.args[0] == "ClassCastException"


def test_a_coroutine_of_kotlin_is_a_structure_that_python_calls_later(page: Page) -> None:
    with pytest.raises(KotlinError):
        page.start()
    [closure] = page.later
    assert isinstance(closure, pywasm3.Struct)
    assert page.instance.exports["__callFunction_(()->Unit)"](closure) is None
