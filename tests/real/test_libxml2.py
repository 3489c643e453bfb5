# SPDX-License-Identifier: MIT
"""libxml2 as a guest validates XML against a schema, and says where a document is wrong.

The program is examples/gallery/libxml2. lxml, which is the same library as native code, says what
is wrong with each document, and in which line.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import pywasm3
from gallery_helpers import GALLERY, file_of, outputs_of, run_example, run_first_lines
from helpers import import_file
from npm_helpers import Package

FOLDER = GALLERY / "libxml2"
LIBXML2 = Package(
    "libxml2-wasm", "0.5.0", "a8234d1e9b6610fdcd29ce4196d21f2f5f5220c683b9350c296d27f11a72710d"
)
SCRIPT = "package/lib/libxml2raw.cjs"
DOCUMENTS = ["good.xml", "bad.xml", "broken.xml", "outside.xml", "laughs.xml"]


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return import_file(FOLDER / "libxml2.py")


@pytest.fixture(scope="module")
def module(example: ModuleType) -> pywasm3.Module:
    return pywasm3.Module(example.module_bytes(LIBXML2.read(SCRIPT)))


@pytest.fixture
def library(example: ModuleType, module: pywasm3.Module) -> Any:
    return example.LibXML2(module)


@pytest.fixture
def schema(library: Any) -> Any:
    return library.schema((FOLDER / "order.xsd").read_bytes())


def test_the_page_shows_what_the_example_prints() -> None:
    script = file_of(LIBXML2, SCRIPT)
    output = run_example(FOLDER / "validate.py", script, "order.xsd", *DOCUMENTS, result=1)
    assert outputs_of("libxml2.md") == [output]


def test_the_first_lines_of_the_page_work(
    example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "libxml2raw.cjs").write_bytes(LIBXML2.read(SCRIPT))
    for name in ("order.xsd", "bad.xml"):
        (tmp_path / name).write_bytes((FOLDER / name).read_bytes())
    found = run_first_lines("libxml2.md", tmp_path, **vars(example))
    assert f"{found['problem'].line} {found['problem'].message}\n" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["good.xml", "bad.xml"])
def test_a_document_has_the_problems_that_lxml_finds(schema: Any, name: str) -> None:
    etree = pytest.importorskip("lxml.etree", reason="lxml, which tells what is right")
    native = etree.XMLSchema(etree.parse(FOLDER / "order.xsd"))
    native.validate(etree.parse(FOLDER / name))
    expected = [(error.line, error.message) for error in native.error_log]
    problems = schema.validate((FOLDER / name).read_bytes())
    assert [(problem.line, problem.message) for problem in problems] == expected
    assert bool(expected) == (name == "bad.xml")


def test_a_document_that_is_not_well_formed_is_not_where_lxml_says(schema: Any) -> None:
    etree = pytest.importorskip("lxml.etree", reason="lxml, which tells what is right")
    with pytest.raises(etree.XMLSyntaxError) as caught:
        etree.parse(FOLDER / "broken.xml")
    problem, *_ = schema.validate((FOLDER / "broken.xml").read_bytes())
    assert (problem.line, problem.column) == caught.value.position
    assert problem.level == "fatal error"


def test_no_file_of_the_host_is_read(schema: Any) -> None:
    (problem,) = schema.validate((FOLDER / "outside.xml").read_bytes())
    assert problem.line == 6
    assert "/etc/passwd" in problem.message


def test_entities_do_not_unfold_without_end(schema: Any) -> None:
    (problem,) = schema.validate((FOLDER / "laughs.xml").read_bytes())
    assert "amplification" in problem.message


def test_what_is_not_a_schema_is_an_error(library: Any, example: ModuleType) -> None:
    with pytest.raises(example.XmlError, match="not a schema document"):
        library.schema(b"<order/>")
    with pytest.raises(example.XmlError, match="line 2"):
        library.schema(b"<schema>\n")


def test_many_documents_leave_no_memory_behind(library: Any, schema: Any) -> None:
    documents = [(FOLDER / name).read_bytes() for name in DOCUMENTS]
    for document in documents:
        schema.validate(document)
    size = len(library._memory)
    for _ in range(100):
        for document in documents:
            schema.validate(document)
    assert len(library._memory) == size


def test_problems_of_a_document_are_bounded(schema: Any, example: ModuleType) -> None:
    """More than are kept, each with a long name: the rest of both is left out."""
    name = "n" * 10_000
    document = f'<order date="x">{f"<{name}/>" * 5}</order>'.encode()
    for problem in schema.validate(document):
        assert len(problem.message) <= example.MAX_MESSAGE_BYTES
    item = '<item id="a"><name/><quantity>x</quantity><price>x</price></item>'
    document = f'<order date="2026-11-30"><customer/>{item * 200}</order>'.encode()
    assert len(schema.validate(document)) == example.MAX_PROBLEMS


def test_a_document_of_many_lines_has_the_right_line(schema: Any) -> None:
    """libxml2's nodes have 16 bits for a line; the parser's option gives them more."""
    document = b'<order date="2026-11-30"><customer/>' + b"\n" * 70_000 + b"<x/></order>"
    (problem,) = schema.validate(document)
    assert problem.line == 70_001


def test_a_large_document_fits_or_is_refused(example: ModuleType, module: pywasm3.Module) -> None:
    """The guest has 16 MB at first, and needs 19 MB: with less, the document is not valid."""
    item = '<item id="a{}"><name/><quantity>1</quantity><price>1</price></item>'
    rows = "".join(item.format(i) for i in range(30_000))
    document = f'<order date="2026-11-30"><customer/>{rows}</order>'.encode()
    xsd = (FOLDER / "order.xsd").read_bytes()
    large = example.LibXML2(module).schema(xsd)
    assert large.validate(document) == []
    for megabytes in (17, 18):
        limits = pywasm3.Limits(memory=megabytes << 20)
        assert example.LibXML2(module, limits=limits).schema(xsd).validate(document) != []


def test_throughput_is_measured_beside_lxml(tmp_path: Path) -> None:
    pytest.importorskip("lxml", reason="lxml, which is measured beside")
    output = run_example(FOLDER / "throughput.py", file_of(LIBXML2, SCRIPT))
    header, *rows = output.splitlines()
    assert "lxml (MB/s)" in header
    assert len(rows) == 4
