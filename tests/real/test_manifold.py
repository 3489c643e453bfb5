# SPDX-License-Identifier: MIT
"""manifold-3d, which computes with solids, does in Python what it does in Node.

C++ binds its classes by embind of the year 2026: vals are called by `_emval_invoke`, classes are
iterable, and arguments optional. The names are read from the package's script. Expected values are
those that the same package gives in Node.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import pytest

import pywasm3
from node_helpers import in_node
from npm_helpers import Package
from pywasm3.guests import emscripten

MANIFOLD = Package(
    "manifold-3d", "3.5.4", "cf57c91fcd33b6315bff28e424ac8c5f04acb5410e9dd8e9886838303910c568"
)

BEGIN = """
    const m = await (await import(`${folder}/manifold.js`)).default();
    const numbers = (solid) => [solid.volume(), solid.surfaceArea(), solid.numTri(),
        solid.numVert(), solid.genus(), solid.status(), solid._boundingBox()];
"""


@functools.cache
def module() -> pywasm3.Module:
    """Returns the module, with its true names."""
    module = pywasm3.Module(MANIFOLD.read("package/manifold.wasm"))
    script = MANIFOLD.read("package/manifold.js").decode()
    return emscripten.Names.from_js(script, module).apply(module)


@pytest.fixture
def manifold() -> Iterator[Any]:
    with emscripten.load(module()) as program:
        yield program.embind


def in_manifold(script: str) -> Any:
    return in_node(MANIFOLD, BEGIN + script)


def point(x: float, y: float, z: float) -> dict[str, float]:
    return {"x": x, "y": y, "z": z}


def numbers(solid: Any) -> list[Any]:
    return [
        solid.volume(),
        solid.surfaceArea(),
        solid.numTri(),
        solid.numVert(),
        solid.genus(),
        solid.status(),
        solid._boundingBox(),
    ]


def test_solids_are_combined_as_in_node(manifold: Any) -> None:
    cube = manifold._Cube(point(1, 2, 3), True)
    turned = cube._Rotate(30, 40, 50)._Translate(point(0.5, 0, 0))
    ball = manifold._Sphere(0.9, 48)
    solids = [cube.add(turned), cube.subtract(ball), turned.intersect(ball), ball.add(cube).hull()]
    expected = in_manifold("""
        const cube = m._Cube({x: 1, y: 2, z: 3}, true);
        const turned = cube._Rotate(30, 40, 50)._Translate({x: 0.5, y: 0, z: 0});
        const ball = m._Sphere(0.9, 48);
        return [cube.add(turned), cube.subtract(ball), turned.intersect(ball),
            ball.add(cube).hull()].map(numbers);
    """)
    assert [numbers(solid) for solid in solids] == expected


def test_a_mesh_comes_out_and_goes_in_again(manifold: Any) -> None:
    """The mesh is an object of typed arrays, which C++ makes of views of its memory."""
    solid = manifold._Cube(point(1, 1, 1), False).subtract(manifold._Sphere(0.7, 24))
    mesh = solid._GetMeshJS(-1)
    arrays = ("triVerts", "vertProperties", "mergeFromVert", "runTransform", "faceID")
    expected = in_manifold("""
        const solid = m._Cube({x: 1, y: 1, z: 1}, false).subtract(m._Sphere(0.7, 24));
        const mesh = solid._GetMeshJS(-1);
        return [numbers(new m.Manifold(mesh)), mesh.numProp, mesh.triVerts, mesh.vertProperties,
            mesh.mergeFromVert, mesh.runTransform, mesh.faceID];
    """)
    found = [bytes(mesh[name]).hex() for name in arrays]
    assert [numbers(manifold.Manifold(mesh)), mesh["numProp"], *found] == expected


def test_polygons_are_vectors_of_vectors(manifold: Any) -> None:
    outline = manifold.Vector_vec2()
    for x, y in ((0, 0), (4, 0), (4, 3), (2, 1), (0, 3)):
        outline.push_back({"x": x, "y": y})
    polygons = manifold.Vector2_vec2()
    polygons.push_back(outline)
    section = manifold.CrossSection(polygons, 2)._Offset(0.25, 1, 2.0, 0)
    contour = section._ToPolygons()[0]
    solid = manifold._Extrude(section._ToPolygons(), 2, 3, 45, {"x": 0.5, "y": 1})
    expected = in_manifold("""
        const outline = new m.Vector_vec2(), polygons = new m.Vector2_vec2();
        for (const [x, y] of [[0, 0], [4, 0], [4, 3], [2, 1], [0, 3]]) outline.push_back({x, y});
        polygons.push_back(outline);
        const section = new m.CrossSection(polygons, 2)._Offset(0.25, 1, 2.0, 0);
        const contour = section._ToPolygons().get(0);
        const solid = m._Extrude(section._ToPolygons(), 2, 3, 45, {x: 0.5, y: 1});
        return [section.area(), [...contour], numbers(solid)];
    """)
    assert [section.area(), list(contour), numbers(solid)] == expected
    assert len(contour) == len(expected[1])
    assert contour[-1] == expected[1][-1]
    assert outline.get(9) is None


def test_enumerations_have_the_values_of_the_header(manifold: Any) -> None:
    assert [each.name for each in manifold.fillrule] == [
        "EvenOdd",
        "NonZero",
        "Positive",
        "Negative",
    ]
    expected = in_manifold("return Object.keys(m.status).filter((name) => name !== 'values');")
    assert set(manifold.status.__members__) <= set(expected)


def test_wrong_arguments_are_named(manifold: Any) -> None:
    with pytest.raises(TypeError, match=r"argument 1 of _Cube\(\): expected a dict with 'y'"):
        manifold._Cube({"x": 1}, True)
    with pytest.raises(TypeError, match=r"argument 1 of Manifold.add\(\): expected a Manifold"):
        manifold._Sphere(1, 8).add(manifold.Vector_vec2())
    with pytest.raises(TypeError, match="of the type object, which is opaque"):
        manifold.Manifold(object())
