# SPDX-License-Identifier: MIT
"""CRuby for WASI runs scripts with what it is given, and hostile ones get nothing else.

The program is examples/gallery/cruby. What scripts print is what Ruby's documentation says.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import pywasm3
from gallery_helpers import GALLERY, file_of, outputs_of, run_example, run_first_lines, sections
from helpers import import_file
from npm_helpers import Package
from pywasm3.wasi import VirtualDir

PROGRAM = GALLERY / "cruby" / "run_ruby.py"
RUBY = Package(
    "@ruby/3.4-wasm-wasi",
    "2.10.1",
    "2e709bd9eddefe1c5d63e9fc0391a35cce4754e936d8a2f24b8582f6d5c2ea88",
)
WASM = "package/dist/ruby.wasm"


@pytest.fixture(scope="module")
def output() -> str:
    return run_example(PROGRAM, file_of(RUBY, WASM))


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return import_file(PROGRAM)


@pytest.fixture(scope="module")
def ruby(example: ModuleType) -> Any:
    return example.Ruby(pywasm3.Module(RUBY.read(WASM)))


def test_the_page_shows_what_the_example_prints(output: str) -> None:
    assert outputs_of("cruby.md") == [output]


def test_the_first_lines_of_the_page_work(example: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "ruby.wasm").write_bytes(RUBY.read(WASM))
    script = "puts ARGV[0], $stdin.gets"
    found = run_first_lines("cruby.md", tmp_path, Ruby=example.Ruby, script=script)
    assert found["outcome"].stdout == "apple\n2 days\n"


def test_a_script_gets_its_directory_arguments_and_input(output: str) -> None:
    ending, lines = sections(output)["report.rb"]
    assert ending == "exit code 3"
    assert lines[0] == "stdout| 2 times apple in 2 days, on wasm32-wasi"
    assert lines[1] == "/data/report.txt: apple: 1.2"


def test_a_script_reaches_nothing_else(output: str) -> None:
    """An attempt of escape.rb ends with an exception, or with a value that says "nothing"."""
    ending, lines = sections(output)["escape.rb"]
    assert ending == "exit code 0"
    attempts = dict(line.removeprefix("stdout| ").split(": ", 1) for line in lines)
    assert attempts.pop("environment") == "{}"
    assert attempts.pop("what an earlier script left") == "nil"
    assert len(attempts) == 13
    assert {what: got for what, got in attempts.items() if "Err" not in got} == {}


@pytest.mark.parametrize(
    ("title", "ending"),
    [
        ("a loop without end", "OutOfFuel"),
        ("sleep", "DeadlineExceeded"),
        ("memory", "exit code 1"),
        ("output", "exit code 1"),
        ("recursion", "exit code 1"),
        ("JavaScript", "Trap"),
    ],
)
def test_a_limit_ends_a_script_that_wants_too_much(output: str, title: str, ending: str) -> None:
    assert sections(output)[title][0].startswith(ending)


def test_a_script_after_a_trap_begins_as_always(ruby: Any) -> None:
    assert ruby.run_script("$x = 1; sleep", seconds=0.5).stopped is not None
    outcome = ruby.run_script("p $x, ARGV", args=["ä", "b c"])
    assert (outcome.exit_code, outcome.stdout) == (0, 'nil\n["ä", "b c"]\n'), outcome.stderr


def test_scripts_see_only_their_own_directory(ruby: Any) -> None:
    first, second = VirtualDir(), VirtualDir()
    script = 'p Dir.children("/data"); File.write("/data/a", ARGV[0])'
    for work, argument in ((first, "1"), (second, "2")):
        outcome = ruby.run_script(script, args=[argument], work=work)
        assert (outcome.exit_code, outcome.stdout) == (0, "[]\n"), outcome.stderr
    assert (first["a"], second["a"]) == (b"1", b"2")


def test_exceptions_fibers_and_big_numbers_work(ruby: Any) -> None:
    """CRuby saves and restores its stack for these: the module was transformed for that."""
    script = """
fiber = Fiber.new { |x| y = Fiber.yield(x * 2); raise ArgumentError, "got #{y}" }
puts fiber.resume(21)
begin
  fiber.resume(5)
rescue ArgumentError => e
  puts e.message
ensure
  puts 2**100
end
puts (1..Float::INFINITY).lazy.map { |x| x * x }.select(&:even?).first(3).inspect
puts catch(:found) { 10.times { |i| throw :found, i if i > 6 } }
puts "größer".upcase.scan(/[[:upper:]]/).length
"""
    outcome = ruby.run_script(script)
    assert outcome.stdout.splitlines() == [
        "42",
        "got 5",
        "1267650600228229401496703205376",
        "[4, 16, 36]",
        "7",
        "7",
    ], outcome.stderr


def test_a_script_with_an_error_says_where(ruby: Any) -> None:
    outcome = ruby.run_script("x = 1\nx.nothing\n")
    assert outcome.exit_code == 1
    assert outcome.stderr.startswith(
        "/script/main.rb:2:in '<top (required)>': undefined method 'nothing' for an instance"
    )


def test_a_handle_that_the_guest_was_not_given_is_a_trap(example: ModuleType) -> None:
    values = example.Values()
    assert values.get(values.new(7)) == 7
    with pytest.raises(pywasm3.Trap, match="not a handle"):
        values.get(1000)
