# SPDX-License-Identifier: MIT
"""The runner of the official suite notices everything that is wrong.

It runs scripts that are written here, some of them with planted faults, so this needs no official
suite. The expected values are written by hand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

import pywasm3
from helpers import wat
from spec import suite, table, values
from spec.script import Report, Script
from spec.suite import Suite

ADD = wat(
    '(module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))'
)
TRAP = wat('(module (func (export "f") unreachable))')
LOOP = wat('(module (func $f (export "f") call $f))')
TABLE = wat(
    '(module (table (export "t") 1 funcref) (func (export "f") (call_indirect (i32.const 0))))'
)
IMPORTS = wat('(module (import "host" "g" (global i32)))')
THROW = wat('(module (tag) (func (export "f") (throw 0)))')
INVALID = wat('(module (func (export "aa")) (func (export "ab")))').replace(b"ab", b"aa")


def write(folder: Path, *commands: dict[str, Any], **modules: bytes) -> Suite:
    """Writes a suite with one script, called "one", and its modules."""
    script = {"commands": [{"line": 10 + i, **command} for i, command in enumerate(commands)]}
    (folder / "one.json").write_text(json.dumps(script))
    for name, data in modules.items():
        (folder / f"{name}.wasm").write_bytes(data)
    return Suite(folder)


def run(folder: Path, *commands: dict[str, Any], **modules: bytes) -> Report:
    return Script(write(folder, *commands, **modules), "one").run()


def failure(folder: Path, *commands: dict[str, Any], **modules: bytes) -> str:
    """Runs a script with exactly one failure, and returns its text."""
    (found,) = run(folder, *commands, **modules).failures
    return str(found)


def module(file: str, **more: str) -> dict[str, Any]:
    return {"type": "module", "filename": f"{file}.wasm", **more}


def invoke(field: str, *arguments: int) -> dict[str, Any]:
    return {
        "type": "invoke",
        "field": field,
        "args": [{"type": "i32", "value": str(value)} for value in arguments],
    }


def returns(field: str, *arguments: int, expected: int) -> dict[str, Any]:
    return {
        "type": "assert_return",
        "action": invoke(field, *arguments),
        "expected": [{"type": "i32", "value": str(expected)}],
    }


def refuses(kind: str, name: str, text: str) -> dict[str, Any]:
    return {"type": kind, "filename": f"{name}.wasm", "text": text}


# ---- scripts -------------------------------------------------------------------------------------


def test_results_are_compared(tmp_path: Path) -> None:
    right = returns("add", 2, 0xFFFFFFFF, expected=1)
    wrong = returns("add", 2, 2, expected=5)
    report = run(tmp_path, module("m"), right, wrong, m=ADD)
    assert report.passed == 2
    assert list(map(str, report.failures)) == [
        "line 12: assert_return: add: expected [i32 5], got [4 (0x4)]"
    ]


def test_a_missing_result_is_noticed(tmp_path: Path) -> None:
    command = {**returns("add", 2, 2, expected=4), "expected": []}
    assert "expected [], got [4 (0x4)]" in failure(tmp_path, module("m"), command, m=ADD)


def test_kinds_of_traps_are_compared(tmp_path: Path) -> None:
    command = {"type": "assert_trap", "action": invoke("f"), "text": "integer overflow"}
    text = failure(tmp_path, module("m"), command, m=TRAP)
    assert text == "line 11: assert_trap: expected the trap 'integer overflow', got 'unreachable'"


def test_exceptions_are_told_from_results_and_traps(tmp_path: Path) -> None:
    """assert_exception passes if an exception ends the call, and fails if anything else does."""
    wanted = {"type": "assert_exception", "action": invoke("f")}
    assert run(tmp_path, module("m"), wanted, m=THROW).passed == 2
    assert "expected WasmException, got Trap: " in failure(tmp_path, module("m"), wanted, m=TRAP)
    add = {"type": "assert_exception", "action": invoke("add", 1, 1)}
    assert "but nothing was raised" in failure(tmp_path, module("m"), add, m=ADD)


def test_modules_in_the_text_format_are_skipped(tmp_path: Path) -> None:
    """pywasm3 reads no text, so a script's assertion on a text says nothing about pywasm3."""
    command = {**refuses("assert_malformed", "m", "unexpected token"), "module_type": "text"}
    report = run(tmp_path, command)
    assert (report.passed, report.failures, report.skipped) == (0, [], {"text format": 1})


def test_details_in_the_text_of_a_refusal_are_not_compared(tmp_path: Path) -> None:
    """What stands behind a colon in the text of a script is in the words of another validator."""
    text = "duplicate export name: aa"
    assert run(tmp_path, refuses("assert_invalid", "m", text), m=INVALID).passed == 1
    text = "duplicate import name: aa"
    assert "duplicate import" in failure(tmp_path, refuses("assert_invalid", "m", text), m=INVALID)


def test_the_text_of_a_trap_may_go_on(tmp_path: Path) -> None:
    """The text of assert_trap may say more than the kind of the trap."""
    command = {"type": "assert_trap", "action": invoke("f"), "text": "uninitialized element 7"}
    assert run(tmp_path, module("m"), command, m=TABLE).passed == 2


def test_a_trap_that_does_not_come_is_noticed(tmp_path: Path) -> None:
    command = {"type": "assert_trap", "action": invoke("add", 1, 1), "text": "unreachable"}
    text = failure(tmp_path, module("m"), command, m=ADD)
    assert "expected Trap, but nothing was raised" in text


def test_exhaustion_is_told_from_other_traps(tmp_path: Path) -> None:
    """assert_exhaustion fails if the call traps for another reason than its stack."""
    command = {"type": "assert_exhaustion", "action": invoke("f"), "text": "call stack exhausted"}
    assert run(tmp_path, module("m"), command, m=LOOP).passed == 2
    assert "got Trap: [trap] unreachable" in failure(tmp_path, module("m"), command, m=TRAP)


def test_refusals_are_told_apart(tmp_path: Path) -> None:
    """assert_malformed and assert_invalid check the class and the text of the error."""
    as_malformed = refuses("assert_malformed", "m", "duplicate export name")
    assert "expected MalformedError, got InvalidError" in failure(tmp_path, as_malformed, m=INVALID)
    as_invalid = refuses("assert_invalid", "m", "unknown local")
    assert "expected 'unknown local', got" in failure(tmp_path, as_invalid, m=INVALID)
    accepted = refuses("assert_invalid", "m", "duplicate export name")
    assert "but nothing was raised" in failure(tmp_path, accepted, m=ADD)


def test_missing_imports_are_told_from_wrong_ones(tmp_path: Path) -> None:
    """assert_unlinkable distinguishes an unknown import from one of a wrong type."""
    unknown = refuses("assert_unlinkable", "m", "unknown import")
    assert run(tmp_path, unknown, m=IMPORTS).passed == 1
    other = refuses("assert_unlinkable", "m", "incompatible import type")
    assert "incompatible import type" in failure(tmp_path, other, m=IMPORTS)


def test_what_needs_a_failed_module_fails(tmp_path: Path) -> None:
    report = run(tmp_path, module("m"), returns("add", 1, 1, expected=2), m=INVALID)
    assert [failure.line for failure in report.failures] == [10, 11]
    assert report.failures[1].text == "the module of line 10 failed"


def test_instances_find_one_another_by_their_registered_names(tmp_path: Path) -> None:
    exporter = wat('(module (global (export "g") i32 (i32.const 42)))')
    importer = wat(
        '(module (import "host" "g" (global i32)) (func (export "f") (result i32) global.get 0))'
    )
    get = {"type": "get", "module": "$a", "field": "g"}
    report = run(
        tmp_path,
        module("a", name="$a"),
        {"type": "register", "as": "host"},
        module("b"),
        returns("f", expected=42),
        {**returns("f", expected=42), "action": get},
        a=exporter,
        b=importer,
    )
    assert (report.passed, report.failures) == (5, [])


def test_a_definition_has_several_instances(tmp_path: Path) -> None:
    counter = wat(
        """(module (global (mut i32) (i32.const 0))
          (func (export "next") (result i32)
            (global.set 0 (i32.add (global.get 0) (i32.const 1))) (global.get 0)))"""
    )
    definition = {**module("m", name="$M"), "type": "module_definition"}
    one = {"type": "module_instance", "module": "$M", "instance": "$one"}
    count = returns("next", expected=1)
    report = run(tmp_path, definition, one, count, one, count, m=counter)
    assert (report.passed, report.failures) == (5, [])


def test_a_zip_is_as_good_as_a_folder(tmp_path: Path) -> None:
    write(tmp_path, module("m"), returns("add", 1, 2, expected=3), m=ADD)
    packed = tmp_path / "suite.zip"
    with ZipFile(packed, "w") as zipped:
        for name in ("one.json", "m.wasm"):
            zipped.write(tmp_path / name, f"folder/{name}")
    assert Suite(packed).scripts() == ["folder/one"]
    assert Script(Suite(packed), "folder/one").run().passed == 2


def test_scripts_of_proposals_are_found_beside_the_suite(tmp_path: Path) -> None:
    """Of proposals.zip beside the suite, the scripts in some folders belong to it."""
    folder = tmp_path / "core"
    folder.mkdir()
    write(folder, module("m"), m=ADD)
    assert list(suite.scripts(folder)) == ["one"]
    with ZipFile(tmp_path / "proposals.zip", "w") as zipped:
        for place in ("legacy", "proposals/threads", "proposals/another"):
            for name in ("one.json", "m.wasm"):
                zipped.write(folder / name, f"{place}/{name}")
    found = suite.scripts(folder)
    assert sorted(found) == ["legacy/one", "one", "proposals/threads/one"]
    assert Script(found["legacy/one"], "legacy/one").run().passed == 1


# ---- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "expected", "result", "matches"),
    [
        ("i32", "4294967295", -1, True),
        ("i32", "0", 1 << 32, True),
        ("i64", "0", 1 << 32, False),
        ("i32", "1", True, False),
        ("f32", "2147483648", 0, False),
        ("f32", "nan:canonical", 0x7FC00000, True),
        ("f32", "nan:canonical", -0x00400000, True),
        ("f32", "nan:canonical", 0x7FC00001, False),
        ("f32", "nan:canonical", 0x7F800000, False),
        ("f32", "nan:arithmetic", 0x7FC00001, True),
        ("f32", "nan:arithmetic", 0x7FA00000, False),
        ("f64", "nan:canonical", 0x7FF8000000000000, True),
        ("f64", "nan:arithmetic", 0x7FF0000000000001, False),
        ("externref", "3", values.Extern(3), True),
        ("externref", "3", values.Extern(4), False),
        ("externref", "null", None, True),
        ("refnull", "null", None, True),
        ("funcref", "null", 0, False),
    ],
)
def test_results_match_as_the_suite_defines_it(
    kind: str, expected: str, result: object, matches: bool
) -> None:
    """Numbers match by their bits, NaNs by their pattern, references by what they refer to."""
    assert values.matches(result, {"type": kind, "value": expected}) is matches


def test_references_that_are_not_null() -> None:
    """An expectation without a value fits any reference of the type that is not null."""
    add = pywasm3.Instance(pywasm3.Module(ADD)).exports.add
    assert values.matches(add, {"type": "funcref"})
    assert not values.matches(None, {"type": "funcref"})
    assert not values.matches(values.Extern(1), {"type": "funcref"})
    assert values.matches(values.Extern(1), {"type": "externref"})
    assert not values.matches(None, {"type": "externref"})


@pytest.mark.parametrize("kind", ["i31ref", "structref", "arrayref", "eqref", "anyref"])
def test_references_are_told_apart_by_their_types(kind: str) -> None:
    text = """(module (type $s (struct)) (type $a (array i8))
        (func (export "s") (result structref) (struct.new $s))
        (func (export "a") (result arrayref) (array.new_fixed $a 0)))"""
    exports = pywasm3.Instance(pywasm3.Module(wat(text))).exports
    objects = {
        "i31ref": 7,
        "structref": exports.s(),
        "arrayref": exports.a(),
        "anyref": values.Extern(1),
        "none": None,
        "funcref": exports.s,
    }
    below = {"eqref": {"i31ref", "structref", "arrayref"}}
    below["anyref"] = {*below["eqref"], "anyref"}
    found = {name for name, value in objects.items() if values.matches(value, {"type": kind})}
    assert found == below.get(kind, {kind})


def test_references_to_exceptions_are_null_or_not(tmp_path: Path) -> None:
    """A function that Python cannot call is called by one of WebAssembly."""
    text = """(module (tag) (func (export "null") (result exnref) (ref.null exn))
        (func (export "some") (result exnref)
          (block $b (result exnref) (try_table (catch_all_ref $b) (throw 0)) (unreachable))))"""
    null = {"type": "exnref", "value": "null"}
    commands = [
        {"type": "assert_return", "action": invoke(name), "expected": [expected]}
        for name, expected in [("null", null), ("some", {"type": "exnref"}), ("some", null)]
    ]
    report = run(tmp_path, module("m"), *commands, m=wat(text))
    assert report.passed == 3
    assert "expected [exnref null], got [<" in str(report.failures[0])


def test_vectors_are_compared_by_lanes() -> None:
    lanes = {"type": "v128", "lane_type": "i16", "value": list("12345678")}
    packed = values.argument(lanes)
    assert packed == (0x0004000300020001, 0x0008000700060005)
    assert values.matches(packed, lanes)
    assert not values.matches(packed[::-1], lanes)
    nans = {"type": "v128", "lane_type": "f64", "value": ["nan:canonical", "0"]}
    assert values.matches((0x7FF8000000000000, 0), nans)
    assert not values.matches((0, 0), nans)


def test_either_of_several_matches() -> None:
    """An expectation "either" matches if one of its values does."""
    either = {"type": "either", "values": [{"type": "i32", "value": v} for v in "13"]}
    assert [n for n in range(5) if values.matches(n, either)] == [1, 3]


# ---- table and place -----------------------------------------------------------------------------


def test_the_table_is_read_as_it_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "PATH", tmp_path / "expected.json")
    assert table.read() == {}
    report = Report(passed=3)
    report.skipped["text format"] = 2
    table.write({"one": table.row(report)})
    assert table.read() == {"one": {"passed": 3, "skipped": {"text format": 2}}}


def test_the_variable_names_the_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(suite.VARIABLE, str(tmp_path))
    assert suite.locate() == tmp_path
    monkeypatch.setenv(suite.VARIABLE, str(tmp_path / "absent"))
    with pytest.raises(FileNotFoundError, match="absent, which does not exist"):
        suite.locate()
    monkeypatch.delenv(suite.VARIABLE)
    monkeypatch.setattr(suite, "BESIDE", tmp_path / "absent")
    assert suite.locate() is None


def test_suite_py_prints_the_path_of_the_suite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(suite.VARIABLE, str(tmp_path))
    assert suite.main() == 0
    assert capsys.readouterr() == (f"{tmp_path.resolve()}\n", "")
    monkeypatch.setenv(suite.VARIABLE, str(tmp_path / "absent"))
    assert suite.main() == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert "absent, which does not exist" in errors
    monkeypatch.delenv(suite.VARIABLE)
    monkeypatch.setattr(suite, "BESIDE", tmp_path / "absent")
    assert suite.main() == 1
    assert capsys.readouterr() == ("", f"{suite.ABSENT}\n")
