# SPDX-License-Identifier: MIT
"""What all commands of the command line share: help, errors, colour, pipes, sources of modules.

The commands run as processes. The expected values are written by hand.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

import pywasm3
from cli_helpers import COMMAND, LIBRARY, environment, failure, run, start
from helpers import GUESTS, TESTS, child
from pywasm3 import _source
from pywasm3._source import MAX_BYTES, read_file
from pywasm3.cli.parser import parse
from pywasm3.cli.run import read_quickly

Write = Callable[..., Path]
FILE_COMMANDS = ("run", "inspect", "validate", "disasm", "stubs")
NAMES = (*FILE_COMMANDS, "bench")
ARITH = GUESTS / "arith.wasm"


def test_the_help_names_every_command() -> None:
    done = run("--help")
    assert done.code == 0
    for name in NAMES:
        assert f"    {name} " in done.out


@pytest.mark.parametrize("name", NAMES)
def test_the_help_of_a_command_has_an_example(name: str) -> None:
    done = run(name, "--help")
    assert done.code == 0
    assert f"pywasm3 {name} " in done.out[done.out.index("example") :]


def test_the_version_is_that_of_the_package() -> None:
    assert run("--version").out == f"pywasm3 {pywasm3.__version__}\n"


def test_the_installed_script_runs_the_command_line() -> None:
    script = Path(sys.executable).with_name("pywasm3" + (".exe" if os.name == "nt" else ""))
    done = subprocess.run([script, "--version"], capture_output=True, text=True, cwd=TESTS)
    assert done.stdout == f"pywasm3 {pywasm3.__version__}\n"


@pytest.mark.parametrize("words", [[], ["frobnicate"], ["run"], ["inspect", "--bogus", "x"]])
def test_wrong_usage_is_one_line_and_exit_code_2(words: list[str]) -> None:
    assert failure(*words, code=2).endswith(" --help)")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("validat", "; did you mean validate?"),
        ("help", "; the commands are run, inspect, validate, disasm, stubs, bench"),
    ],
)
def test_a_word_that_is_no_command_is_answered_with_the_commands(word: str, hint: str) -> None:
    assert failure(word, code=2) == f"there is no command {word!r}{hint} (see pywasm3 --help)"


def test_a_file_whose_name_says_nothing_is_answered_with_run(module: Write) -> None:
    path = module(LIBRARY, "program")
    assert f"; to run the file, type: pywasm3 run {path} (see" in failure(path, code=2)


@pytest.mark.parametrize("words", [["--bogus"], ["--fuel", "1", "run", "x.wasm"]])
def test_an_unknown_option_before_the_command_is_named(words: list[str]) -> None:
    assert failure(*words, code=2) == (
        f"unrecognized arguments: {words[0]}; options of a command stand after its name "
        "(see pywasm3 --help)"
    )


@pytest.mark.parametrize("words", [["inspect", "--bogus", "x"], ["disasm", "x", "y", "z"]])
def test_an_unknown_argument_points_to_the_help_of_its_command(words: list[str]) -> None:
    assert failure(*words, code=2).endswith(f" (see pywasm3 {words[0]} --help)")


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["run", "--fule", "3", "x"], "--fuel"),
        (["run", "--max-memroy=64M", "x"], "--max-memory"),
        (["inspect", "--jsno", "x"], "--json"),
    ],
)
def test_a_misspelt_option_is_answered_with_the_one_that_is_meant(
    words: list[str], option: str
) -> None:
    assert f"; did you mean {option}? (see pywasm3 {words[0]} --help)" in failure(*words, code=2)


@pytest.mark.parametrize("name", FILE_COMMANDS)
def test_a_file_that_is_not_there_is_one_line(name: str) -> None:
    assert failure(name, "no/such.wasm") == "no/such.wasm: No such file or directory"


@pytest.mark.parametrize("name", FILE_COMMANDS)
def test_a_folder_is_one_line(name: str, tmp_path: Path) -> None:
    assert str(tmp_path) in failure(name, tmp_path)


@pytest.mark.parametrize("name", ["run", "inspect", "disasm", "stubs"])
def test_a_module_that_is_cut_off_is_one_line(name: str, module: Write) -> None:
    path = module(ARITH.read_bytes()[:100])
    message = failure(name, path)
    assert message.startswith(f"{path}: length out of bounds")
    assert "(at offset 0x" in message


@pytest.mark.parametrize("name", ["inspect", "disasm", "stubs"])
def test_standard_input_is_read_for_a_dash(name: str) -> None:
    done = run(name, "-", given=ARITH.read_bytes())
    assert done.code == 0
    assert "fib" in done.out


def test_endless_input_that_is_no_module_is_not_read_to_its_end() -> None:
    if not Path("/dev/zero").exists():
        pytest.skip("needs /dev/zero")
    assert failure("inspect", "/dev/zero").startswith("/dev/zero: magic header not detected")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.wasm"
    with open(path, "wb") as file:
        file.write(b"\0asm\1\0\0\0")
        file.truncate(6 << 30)
    size = (
        "too large: the file has 6,442,450,944 bytes, but a module may have at most 1,073,741,824"
    )
    assert failure("inspect", path) == f"{path}: {size}"
    assert run("validate", path).out == f"{path}: not supported: {size}\n"
    with pytest.raises(pywasm3.UnsupportedError, match=f"^{size}$"):
        pywasm3.load(path)


def test_an_opened_file_is_not_read_beyond_the_largest_module(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_source, "MAX_BYTES", 3 << 20)
    file = io.BytesIO(b"\0asm".ljust(1 << 26, b"\0"))
    with pytest.raises(pywasm3.UnsupportedError, match="has more than 3,145,728 bytes"):
        pywasm3.load(file)
    assert file.tell() < 5 << 20


def test_an_opened_file_that_is_no_module_is_not_read_to_its_end() -> None:
    file = io.BytesIO(bytes(1 << 26))
    with pytest.raises(pywasm3.MalformedError, match="magic header not detected"):
        pywasm3.load(file)
    assert file.tell() < 1 << 20


def test_an_opened_file_must_give_bytes() -> None:
    class Nothing:
        def read(self, size: int = -1) -> None:
            """Returns None, as a file does that is not ready."""

    with pytest.raises(
        TypeError, match=r"^the file's read\(\) must return bytes, and not NoneType"
    ):
        pywasm3.load(Nothing())  # type: ignore[arg-type]


def test_an_opened_file_may_give_its_bytes_in_small_pieces() -> None:
    class Slow(io.RawIOBase):
        def __init__(self) -> None:
            self.rest = ARITH.read_bytes()

        def read(self, size: int = -1) -> bytes:
            piece, self.rest = self.rest[:3], self.rest[3:]
            return piece

    assert pywasm3.load(Slow()).exports.add_i32(2, 3) == 5


def test_the_size_of_the_largest_module_is_the_same_in_c() -> None:
    text = (TESTS.parent / "native/base/limits.h").read_text(encoding="utf-8")
    assert f"#define PW_MAX_MODULE_SIZE {MAX_BYTES}u" in text


def test_a_stream_that_is_too_large_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_source, "MAX_BYTES", 3 << 20)
    reading, writing = os.pipe()
    with open(reading, "rb") as file, ThreadPoolExecutor() as pool, open(writing, "wb") as pipe:
        written = pool.submit(pipe.write, b"\0asm".ljust((3 << 20) + (1 << 16), b"\0"))
        with pytest.raises(pywasm3.UnsupportedError, match="has more than 3,145,728 bytes"):
            read_file(file, lambda start: False)
        written.result()


# ---- text modules ----


def test_a_text_module_is_assembled(tmp_path: Path) -> None:
    (tmp_path / "lib.wat").write_text(LIBRARY)
    assert run("run", "--invoke", "add", tmp_path / "lib.wat", "1", "2").out == "3\n"
    assert run("run", "--invoke", "add", "-", "1", "2", given=LIBRARY.encode()).out == "3\n"


def test_an_error_of_the_assembler_is_one_line_with_its_place() -> None:
    message = failure("inspect", "-", given=b"(module\n  (func i32.foo))")
    assert message == "standard input:2:9: unknown operator or unexpected token"


def test_text_that_is_no_utf8_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.wat").write_bytes(b"(module \xff)")
    assert failure("inspect", tmp_path / "x.wat").startswith(str(tmp_path / "x.wat"))


def test_without_an_assembler_the_message_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "wasmtime.py").write_text("raise ImportError")
    message = failure("inspect", "-", given=b"(module)", env=environment(PYTHONPATH=str(tmp_path)))
    assert message == (
        "standard input is a text module, which needs an assembler: pip install wasmtime"
    )


# ---- pipes, colour ----


@pytest.mark.skipif(os.name != "posix", reason="SIGPIPE")
@pytest.mark.parametrize("words", [["disasm"], ["inspect", "--json"], ["stubs"]])
def test_a_pipe_that_closes_early_ends_it_quietly(words: list[str], module: Write) -> None:
    many = "".join(f'(func (export "f{n}") (param i32) nop nop nop)' for n in range(3000))
    with start(*words, module(f"(module {many})")) as process:
        assert process.stdout and process.stderr
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(120) == -signal.SIGPIPE
        assert process.stderr.read() == b""


def test_a_full_disk_is_one_line() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with open("/dev/full", "wb") as full:
        assert failure("inspect", ARITH, stdout=full) == "No space left on device"


def on_terminal(*words: str | Path, **variables: str) -> str:
    """Runs a command on a pseudo-terminal, and returns what it writes there."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as reader:
        child_process = subprocess.Popen(
            [*COMMAND, *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            cwd=TESTS,
            env=environment(**variables),
        )
        os.close(theirs)
        text = b""
        while True:
            try:
                piece = reader.read(65536)
            except OSError:  # Linux reports the end of the other side like this
                break
            if not piece:
                break
            text += piece
        child_process.wait(120)
    return text.decode()


def test_a_terminal_gets_colour() -> None:
    assert "\x1b[32mvalid\x1b[0m" in on_terminal("validate", ARITH)
    assert "\x1b[31merror:\x1b[0m" in on_terminal("inspect", "none")


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_it_is_not_wanted(variable: dict[str, str]) -> None:
    assert "\x1b" not in on_terminal("validate", ARITH, **variable)


def test_a_pipe_gets_no_colour() -> None:
    assert "\x1b" not in run("validate", ARITH).out
    assert "\x1b" not in run("inspect", "none").err


def test_letters_that_the_output_cannot_encode_are_escaped(module: Write) -> None:
    path = module('(module (func (export "\\e2\\82\\ac")))')
    done = run("inspect", path, env=environment(PYTHONIOENCODING="ascii", PYTHONUTF8="0"))
    assert (done.code, '"\\u20ac"' in done.out) == (0, True), done


# ---- what it costs ----


def test_importing_the_package_does_not_import_the_command_line() -> None:
    child("import sys; assert not {'argparse', 'pywasm3.cli', 'dataclasses'} & set(sys.modules)")


def test_a_command_does_not_import_the_others_nor_wasi_without_need(module: Write) -> None:
    child(
        f"""
        import sys
        before = set(sys.modules)
        from pywasm3.cli import main
        assert main(["run", "--invoke", "add", {str(module(LIBRARY))!r}, "1", "2"]) == 0
        others = {{"inspect", "validate", "disasm", "stubs"}}
        assert not {{f"pywasm3.cli.{{name}}" for name in others}} & set(sys.modules)
        imported = set(sys.modules) - before
        assert not {{"pywasm3.wasi", "dataclasses", "json", "wasmtime"}} & imported
        """
    )


def test_a_program_starts_without_what_takes_long_to_import(module: Write) -> None:
    """argparse, with gettext and shutil, takes 8 ms, and so did the rest of the command."""
    path = str(module('(module (func (export "_start")))'))
    child(
        f"""
        import sys
        before = set(sys.modules)
        from pywasm3.cli import main
        assert main(["run", "--fuel", "9", "--max-memory=0", {path!r}, "--env", "x"]) == 0
        slow = "argparse dataclasses gettext importlib inspect json locale shutil signal typing"
        assert not set(slow.split()) & (set(sys.modules) - before)
        """
    )


def test_a_program_for_wasi_starts_without_what_takes_long_to_import() -> None:
    """These modules took three quarters of the time that WASI added to the start."""
    program = str(GUESTS / "wasi" / "process.wasm")
    child(
        f"""
        import sys
        before = set(sys.modules)
        from pywasm3.cli import main
        main(["run", {program!r}])
        slow = "argparse ctypes dataclasses inspect random re signal threading typing weakref"
        assert not set(slow.split()) & (set(sys.modules) - before)
        """
    )


def test_a_program_imports_only_the_part_of_wasi_that_it_uses(module: Write) -> None:
    """Each module takes a third of a millisecond, and the start of a program a few of them."""
    path = module(
        """(module
          (import "wasi_snapshot_preview1" "fd_write"
            (func (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "_start") (drop (call 0 (i32.const 1) (i32.const 0) (i32.const 0)
            (i32.const 8)))))"""
    )
    child(
        f"""
        import sys
        from pywasm3.cli import main
        assert main(["run", {str(path)!r}]) == 0
        unused = "directories files_virtual path_calls poll process records sock_calls streams"
        assert not {{f"pywasm3.wasi.{{name}}" for name in unused.split()}} & set(sys.modules)
        """
    )


WORDS = [
    "x.wasm", "-", "--", "", "-5", "-h", "--help", "--bogus", "--dir", "--dir=.", "--dir=",
    ".::/x", ".", "nowhere::/y", "--read-only-dir", "--env", "--env=K=V", "K=V", "K=", "=",
    "--fuel", "--fuel=7", "7", "--timeout", "0.5", "nan", "--max-memory", "64K", "--stack=1M",
    "--stack", "--sta", "--invoke", "--invoke=-f", "f", "a b", "-a b", "--dir .",
]  # fmt: skip


def test_words_that_are_read_quickly_mean_what_argparse_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    random = Random(1)
    quick = 0
    for _ in range(3000):
        words = random.choices(WORDS, k=random.randrange(7))
        found = read_quickly(words)
        if found is not None:
            assert vars(found) == vars(parse(["run", *words])), words
            quick += 1
    assert quick > 300
    assert capsys.readouterr() == ("", "")


def test_right_words_are_read_quickly() -> None:
    for words in (["x.wasm"], ["-"], ["--dir", ".::/x", "--dir=.", "x.wasm", "--help", "-5"]):
        assert read_quickly(words) is not None
