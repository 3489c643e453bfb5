# SPDX-License-Identifier: MIT
"""yoga-layout, which lays out trees of boxes, does in Python what it does in Node.

C++ binds its classes by embind. The module is in a script of the package, in base64, and has short
names. The names of the imports were found by reading that script: it says what each of them does.
Expected values are those that the same package gives in Node.
"""

from __future__ import annotations

import base64
import functools
import math
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest

import pywasm3
from node_helpers import in_node
from npm_helpers import Package
from pywasm3.guests import emscripten

YOGA = Package(
    "yoga-layout", "3.2.1", "48bc77618a736a752ba6a3f838862e547c38e0b22be9f5dc030ac4c4557e7fff"
)
IMPORTS = {
    "a": "_embind_register_class_function",
    "b": "_embind_register_memory_view",
    "c": "abort",
    "d": "_embind_register_class_class_function",
    "e": "_embind_register_integer",
    "f": "_embind_register_class",
    "g": "_emval_decref",
    "h": "_embind_register_value_object_field",
    "i": "_embind_register_std_wstring",
    "j": "_embind_finalize_value_object",
    "k": "_embind_register_value_object",
    "l": "__assert_fail",
    "m": "_emval_get_method_caller",
    "n": "_embind_register_float",
    "o": "_embind_register_std_string",
    "p": "_embind_register_class_constructor",
    "q": "_embind_create_inheriting_constructor",
    "r": "_emval_run_destructors",
    "s": "_emval_call_method",
    "t": "_emval_call_void_method",
    "u": "fd_seek",
    "v": "_embind_register_bigint",
    "w": "emscripten_resize_heap",
    "x": "emscripten_memcpy_big",
    "y": "fd_write",
    "z": "fd_close",
    "A": "_embind_register_emval",
    "B": "_embind_register_bool",
    "C": "_embind_register_void",
    "D": "_emval_incref",
}

# Builds trees, lays them out, and returns the numbers of all nodes, and what was measured.
SCRIPT = """
    const yoga = (await import(`${folder}/dist/src/index.js`)).default;
    const results = [];
    for (const [tree, width, height, direction] of given) {
        const measured = [], nodes = [];
        const build = ([calls, text, children]) => {
            const node = yoga.Node.create();
            for (const [name, ...given] of calls) node[name](...given);
            if (text) node.setMeasureFunc((width, widthMode, height, heightMode) => {
                measured.push([width, widthMode, height, heightMode]);
                const line = widthMode === 0 ? text : Math.min(width, text);
                return {width: line, height: 10 * Math.ceil(text / Math.max(line, 1))};
            });
            nodes.push(node);
            children.forEach((child, i) => node.insertChild(build(child), i));
            return node;
        };
        const root = build(tree);
        root.calculateLayout(width ?? NaN, height ?? NaN, direction);
        const edges = [0, 1, 2, 3];
        const numbers = nodes.map((node) => [node.getComputedLayout(),
            edges.map((edge) => [node.getComputedMargin(edge), node.getComputedPadding(edge),
                node.getComputedBorder(edge)]),
            node.getWidth(), node.getPadding(0), node.getDirection(), node.getChildCount()]);
        results.push([numbers, measured]);
        root.freeRecursive();
    }
    return results;
"""


@functools.cache
def module() -> pywasm3.Module:
    """Returns the module, with its true names."""
    script = YOGA.read("package/dist/binaries/yoga-wasm-base64-esm.js").decode()
    found = re.search(r"base64,([A-Za-z0-9+/=]+)", script)
    assert found is not None
    module = pywasm3.Module(base64.b64decode(found[1]))
    return emscripten.Names.from_js(script, module, imports=IMPORTS).apply(module)


@pytest.fixture
def program() -> Iterator[emscripten.Emscripten]:
    with emscripten.load(module()) as program:
        yield program


@pytest.fixture
def yoga(program: emscripten.Emscripten) -> Any:
    return program.embind


def lengths(random: random.Random) -> list[list[Any]]:
    """Returns calls that set lengths of a node."""
    calls: list[list[Any]] = []
    for name in ("Width", "Height", "MinWidth", "MaxWidth", "FlexBasis"):
        kind = random.randrange(6)
        if kind == 0:
            calls.append([f"set{name}", random.randrange(200)])
        elif kind == 1:
            calls.append([f"set{name}Percent", random.randrange(120)])
    for name in ("Margin", "Padding", "Border", "Position"):
        if random.random() < 0.4:
            calls.append([f"set{name}", random.randrange(9), random.randrange(20) / 2])
    if random.random() < 0.2:
        calls.append(["setMarginAuto", random.randrange(4)])
    if random.random() < 0.2:
        calls.append(["setGap", random.randrange(3), random.randrange(10)])
    return calls


def style(random: random.Random) -> list[list[Any]]:
    """Returns calls that set the style of a node."""
    calls = lengths(random)
    choices = {
        "setFlexDirection": 4,
        "setJustifyContent": 6,
        "setAlignItems": 6,
        "setAlignSelf": 6,
        "setAlignContent": 8,
        "setFlexWrap": 3,
        "setPositionType": 3,
        "setOverflow": 3,
        "setBoxSizing": 2,
    }
    for name, count in choices.items():
        if random.random() < 0.3:
            calls.append([name, random.randrange(count)])
    for name in ("setFlexGrow", "setFlexShrink"):
        if random.random() < 0.5:
            calls.append([name, random.randrange(4) / 2])
    if random.random() < 0.1:
        calls.append(["setAspectRatio", 1.5])
    return calls


def tree(random: random.Random, depth: int) -> list[Any]:
    """Returns a node: the calls that set its style, the width of its text or 0, and its children.

    Only nodes without children can have a text.
    """
    count = random.randrange(5) if depth else 0
    children = [tree(random, depth - 1) for _ in range(count)]
    text = random.randrange(1, 300) if not children and random.random() < 0.6 else 0
    return [style(random), text, children]


class Layout:
    """A tree that is laid out in Python.

    Attributes:
        nodes: The nodes, each before its children.
        measured: The arguments of the functions that measure texts.
    """

    def __init__(self, yoga: Any, tree: list[Any]) -> None:
        self.nodes: list[Any] = []
        self.measured: list[tuple[float, ...]] = []
        self._yoga = yoga
        self.root = self._build(*tree)

    def _build(self, calls: list[list[Any]], text: int, children: list[Any]) -> Any:
        node = self._yoga.Node.createDefault()
        for name, *given in calls:
            getattr(node, name)(*given)
        if text:
            node.setMeasureFunc(
                self._yoga.MeasureCallback.implement(
                    {"measure": functools.partial(self._measure, text)}
                )
            )
        self.nodes.append(node)
        for position, child in enumerate(children):
            node.insertChild(self._build(*child), position)
        return node

    def _measure(self, text: int, *given: float) -> dict[str, float]:
        self.measured.append(given)
        width, mode, *_ = given
        line = text if mode == 0 else min(width, text)
        return {"width": line, "height": 10 * math.ceil(text / max(line, 1))}

    def numbers(self) -> list[Any]:
        """Returns the numbers of all nodes."""
        return [
            [
                node.getComputedLayout(),
                [
                    [
                        node.getComputedMargin(edge),
                        node.getComputedPadding(edge),
                        node.getComputedBorder(edge),
                    ]
                    for edge in range(4)
                ],
                node.getWidth(),
                node.getPadding(0),
                node.getDirection(),
                node.getChildCount(),
            ]
            for node in self.nodes
        ]

    def free(self) -> None:
        """Frees all nodes: those of Yoga are freed by a static function."""
        for node in self.nodes:
            self._yoga.Node.destroy(node)


def as_json(value: Any) -> Any:
    """Returns a value as it comes out of JSON, which writes NaN as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    return [as_json(item) for item in value] if isinstance(value, (list, tuple)) else value


def cases() -> list[list[Any]]:
    """Returns trees, each with the width and height that it has room in, and the direction."""
    source = random.Random(20261130)
    sizes = [None, 100, 333.5]
    return [
        [tree(source, 4), source.choice(sizes), source.choice(sizes), source.randrange(1, 3)]
        for _ in range(80)
    ]


def test_random_trees_have_the_layout_that_they_have_in_node(yoga: Any) -> None:
    """The trees have about 1,600 nodes, whose texts are measured by functions of Python."""
    trees = cases()
    expected = in_node(YOGA, SCRIPT, trees)
    count = 0
    for (tree, *room, direction), (numbers, measured) in zip(trees, expected, strict=True):
        layout = Layout(yoga, tree)
        layout.root.calculateLayout(
            *(math.nan if size is None else size for size in room), direction
        )
        assert as_json(layout.numbers()) == numbers
        assert as_json(layout.measured) == measured
        count += len(layout.nodes)
        layout.free()
    assert count > 1000


def test_all_methods_are_there(yoga: Any) -> None:
    names = in_node(
        YOGA,
        """
        const load = (await import(`${folder}/dist/binaries/yoga-wasm-base64-esm.js`)).default;
        const library = await load();
        return ['Node', 'Config', 'MeasureCallback', 'DirtiedCallback'].map((name) => [name,
            Object.getOwnPropertyNames(library[name].prototype)]);
        """,
    )
    for name, methods in names:
        assert {*methods} - {"constructor"} <= {*dir(getattr(yoga, name))}
    assert len(dict(names)["Node"]) == 99


def test_a_callback_of_a_class_of_python_is_called(yoga: Any) -> None:
    class Dirtied(yoga.DirtiedCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.count = 0

        def dirtied(self) -> None:
            self.count += 1

    class Text(yoga.MeasureCallback):  # type: ignore[misc]
        def measure(self, *_: float) -> dict[str, float]:
            return {"width": 20, "height": 5}

    node, dirtied = yoga.Node(), Dirtied()
    node.setMeasureFunc(Text())
    node.calculateLayout(math.nan, math.nan, 1)
    node.setDirtiedFunc(dirtied)
    node.markDirty()
    assert dirtied.count == 1
    assert (node.getComputedWidth(), node.getComputedHeight()) == (20, 5)
    node.delete()
    assert dirtied.is_closed


def test_an_exception_of_a_callback_passes_the_layout(yoga: Any) -> None:
    error = ValueError("cannot be measured")

    def measure(*_: float) -> None:
        raise error

    node = yoga.Node()
    node.setMeasureFunc(yoga.MeasureCallback.implement({"measure": measure}))
    with pytest.raises(ValueError, match="cannot be measured") as raised:
        node.calculateLayout(math.nan, math.nan, 1)
    assert raised.value is error


def test_wrong_arguments_are_named(yoga: Any) -> None:
    node = yoga.Node()
    with pytest.raises(TypeError, match=r"argument 1 of Node.setWidth\(\): expected a float"):
        node.setWidth("wide")
    with pytest.raises(TypeError, match=r"argument 1 of Node.insertChild\(\): expected a Node"):
        node.insertChild(yoga.Config(), 0)
    with pytest.raises(TypeError, match=r"Node.setWidth\(\) takes 1 argument, but 0 were given"):
        node.setWidth()


def test_freed_callbacks_leave_no_handles(program: emscripten.Emscripten) -> None:
    layout = Layout(program.embind, [[], 0, [[[], 30, []] for _ in range(20)]])
    layout.root.calculateLayout(math.nan, math.nan, 1)
    assert len(program.registry.handles) == 20
    layout.free()
    assert len(program.registry.handles) == 0
