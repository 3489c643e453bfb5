# SPDX-License-Identifier: MIT
"""`WasiConfig` gives a guest streams, arguments, environment, time and randomness, and no more.

Most tests call the WASI functions from Python (`Calls`); the expected errnos and bytes are written
by hand from the specification of WASI preview 1.
"""

from __future__ import annotations

import io
import os
import pickle
import sys
import threading
from pathlib import Path
from typing import Any

import numpy
import pytest

import pywasm3
from helpers import child, load, wat
from pywasm3.wasi import CAPTURE, INHERIT, FixedClock, HostDir, VirtualDir, WasiConfig, context
from wasi_helpers import Calls

SUBSCRIPTION = "QBxxxxxxxIxxxxQQHxxxxxx"
GRUESSE = "Grüße".encode()


def test_by_default_a_guest_is_given_nothing() -> None:
    calls = Calls()
    assert calls.args_sizes_get(0, 4) == "OK"
    assert calls.environ_sizes_get(8, 12) == "OK"
    assert calls.memory.read(0, 16) == bytes(16)
    assert calls.read(0) == b""
    assert calls.write(1, b"dropped") == "OK"
    assert calls.result() == 7
    assert calls.write(2, b"dropped") == "OK"
    assert calls.fd_fdstat_get(3, 0) == "EBADF"


def test_nothing_of_the_process_reaches_a_guest_unasked(capfd: Any) -> None:
    Calls().write(1, b"text")
    Calls().write(2, b"text")
    assert capfd.readouterr() == ("", "")


def test_input_may_have_gaps_between_its_bytes() -> None:
    data = memoryview(numpy.frombuffer(b"t-e-x-t", numpy.uint8)[::2])
    assert Calls(stdin=data).read(0) == b"text"


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview, io.BytesIO])
def test_input_may_be_bytes_or_a_binary_file(make: Any) -> None:
    calls = Calls(stdin=make(b"one two"))
    assert calls.read(0, 3) == b"one"
    assert calls.read(0) == b" two"
    assert calls.read(0) == b""
    assert calls.write(0, b"x") == "EBADF"


def test_input_may_be_text() -> None:
    calls = Calls(stdin=io.StringIO("Grüße\nan alle"))
    pieces = []
    while piece := calls.read(0, 3):
        pieces.append(piece)
    assert b"".join(pieces) == "Grüße\nan alle".encode()


def test_input_may_be_a_path(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(b"text")
    assert Calls(stdin=path).read(0) == b"text"
    assert Calls(stdin=str(path)).read(0) == b"text"


def test_input_may_be_text_over_bytes(tmp_path: Path) -> None:
    """A text file over a binary file is read as bytes, even if they are not valid text."""
    path = tmp_path / "in"
    path.write_bytes(b"\xff\n")
    with open(path, encoding="utf-8") as file:
        assert Calls(stdin=file).read(0) == b"\xff\n"


def test_input_that_has_nothing_yet_is_eagain() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with open(reading, "rb", buffering=0) as file:
        assert Calls(stdin=file).read(0) == "EAGAIN"
    os.close(writing)


def test_output_is_captured() -> None:
    calls = Calls(stdout=CAPTURE, stderr=CAPTURE)
    for piece in (b"a", b"", b"b" * 5000, GRUESSE):
        assert calls.write(1, piece) == "OK"
        assert calls.result() == len(piece)
    calls.write(2, b"err")
    assert calls.instance.wasi.stdout == b"a" + b"b" * 5000 + GRUESSE
    assert calls.instance.wasi.stderr == b"err"
    with pytest.raises(ValueError, match="stdout is not captured"):
        _ = Calls().instance.wasi.stdout


def test_captured_output_has_a_limit() -> None:
    calls = Calls(stdout=CAPTURE, max_capture_bytes=10)
    assert [calls.write(1, b"123456"), calls.write(1, b"12345")] == ["OK", "ENOSPC"]
    assert calls.write(1, b"1234") == "OK"
    assert calls.instance.wasi.stdout == b"1234561234"


def test_output_may_be_a_binary_file() -> None:
    file = io.BytesIO()
    assert Calls(stdout=file).write(1, GRUESSE) == "OK"
    assert file.getvalue() == GRUESSE


def test_output_may_be_text_that_comes_in_pieces() -> None:
    file = io.StringIO()
    calls = Calls(stdout=file)
    for byte in GRUESSE + b"\xff":
        assert calls.write(1, bytes([byte])) == "OK"
    assert file.getvalue() == "Grüße\ufffd"


def test_output_may_be_text_over_bytes() -> None:
    """A text file over a binary file gets the bytes, in order with what the host writes."""
    binary = io.BytesIO()
    file = io.TextIOWrapper(binary, encoding="ascii")
    file.write("first ")
    Calls(stdout=file).write(1, GRUESSE)
    file.write(" last")
    file.flush()
    assert binary.getvalue() == b"first " + GRUESSE + b" last"


def test_output_may_be_a_path(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"what was there before")
    calls = Calls(stdout=path)
    assert calls.write(1, b"text") == "OK"
    assert path.read_bytes() == b"text"


def test_output_may_be_any_object_with_write() -> None:
    class Log:
        def __init__(self) -> None:
            self.pieces: list[bytes] = []

        def write(self, data: bytes) -> None:
            self.pieces.append(data)

    log = Log()
    calls = Calls(stdout=log)
    assert calls.write(1, b"text") == "OK"
    assert (calls.result(), log.pieces) == (4, [b"text"])


@pytest.mark.parametrize("result", [-1, 5, "4"])
def test_an_object_that_writes_wrong_counts_is_eio(result: object) -> None:
    class Wrong:
        def write(self, data: bytes) -> object:
            return result

    assert Calls(stdout=Wrong()).write(1, b"text") == "EIO"


def test_a_short_write_is_reported() -> None:
    class Short:
        def write(self, data: bytes) -> int:
            return 2

    calls = Calls(stdout=Short())
    assert calls.write(1, b"text") == "OK"
    assert calls.result() == 2


def test_errors_of_a_stream_are_errnos_and_other_exceptions_reach_the_host() -> None:
    """An OSError of a stream is an errno for the guest; other exceptions reach the host."""

    class Failing:
        def __init__(self, error: Exception) -> None:
            self.error = error

        def write(self, data: bytes) -> int:
            raise self.error

    assert Calls(stdout=Failing(BrokenPipeError(32, "no"))).write(1, b"x") == "EPIPE"
    assert Calls(stdout=Failing(io.UnsupportedOperation("no"))).write(1, b"x") == "EIO"
    error = LookupError("mine")
    with pytest.raises(LookupError) as caught:
        Calls(stdout=Failing(error)).write(1, b"x")
    assert caught.value is error


def test_inherited_streams_are_those_of_the_process() -> None:
    done = child(
        """
        import pywasm3.wasi
        text = '''(module
          (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "\\\\08\\\\00\\\\00\\\\00\\\\06\\\\00\\\\00\\\\00guest\\\\0a")
          (func (export "_start")
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))'''
        import wasmtime
        module = pywasm3.Module(bytes(wasmtime.wat2wasm(text)))
        print("before")
        pywasm3.Instance(module, wasi=pywasm3.wasi.WasiConfig(inherit="stdio")).run()
        print("after")
        """
    )
    assert done.stdout == "before\nguest\nafter\n"


def test_inherit_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    """`inherit` takes from the process what it names, and explicit options come first."""
    monkeypatch.setenv("PYWASM3_TEST", "inherited")
    config = WasiConfig(inherit=["env", "stdout"], stdout=CAPTURE)
    assert config.env is not None
    assert config.env["PYWASM3_TEST"] == "inherited"
    assert (config.stdin, config.stdout, config.stderr) == (None, CAPTURE, None)
    assert WasiConfig(inherit=True).stdin is INHERIT
    assert list(WasiConfig(inherit=True).args)
    assert WasiConfig(inherit=True, env={}).env == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"args": "prog"}, "args must be a sequence of str, not str"),
        ({"args": [1]}, "args: expected str or bytes, not int"),
        ({"args": ["a\0b"]}, "contains a NUL character"),
        ({"env": {"": "x"}}, "name of an environment variable"),
        ({"env": {"a=b": "x"}}, "name of an environment variable"),
        ({"env": {"a": "\0"}}, "contains a NUL character"),
        ({"preopens": {"": "x"}}, "name of a directory must not be empty"),
        ({"preopens": {"/": 1}}, "a path, a HostDir or a VirtualDir"),
        ({"stdin": CAPTURE}, "stdin cannot be CAPTURE"),
        ({"stdin": 5}, "stdin must be a file, bytes or a path, not int"),
        ({"stdout": b"x"}, "stdout must be a file or a path, not bytes"),
        ({"inherit": ["stdouts"]}, "'stdouts' is not one of"),
        ({"args": 5}, "args must be a sequence of str, not int"),
        ({"env": ["a=b"]}, "env must be a mapping, not list"),
        ({"env": {b"a=b": b"x"}}, "name of an environment variable"),
        ({"preopens": ["/"]}, "preopens must be a mapping, not list"),
        ({"preopens": {f"/{n}": "." for n in range(1001)}}, "more than 1000"),
        ({"clock": 1.5}, "clock must be an int or a Clock, not float"),
        ({"clock": -1}, "clock: a time must not be negative"),
        ({"random": "seed"}, "random must be an int or a callable, not str"),
        ({"trace": "stderr"}, "trace must be a callable, not str"),
        ({"sockets": [1]}, "sockets: each one must be a socket.socket, not int"),
        ({"max_capture_bytes": 1e6}, "max_capture_bytes must be an int, not float"),
        ({"max_capture_bytes": -1}, "max_capture_bytes must be at least 0, not -1"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        WasiConfig(**options)


def test_a_preopen_that_is_not_there_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Calls(preopens={"/": tmp_path / "none"})
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        Calls(preopens={"/": tmp_path / "file"})


def test_preopens_have_their_order_and_names(tmp_path: Path) -> None:
    calls = Calls(preopens={"/a": tmp_path, "/b": VirtualDir(), "ü": HostDir(tmp_path)})
    for fd, name in enumerate([b"/a", b"/b", "ü".encode()], 3):
        assert calls.fd_prestat_get(fd, 0) == "OK"
        assert calls.memory.unpack("BxxxI", 0) == (0, len(name))
        assert calls.fd_prestat_dir_name(fd, 8, len(name)) == "OK"
        assert calls.memory.read(8, len(name)) == name


def test_a_fixed_clock_repeats() -> None:
    """Two guests with equal fixed clocks see the same times, each one step after the last."""

    def times() -> list[int]:
        calls = Calls(clock=5_000)
        values = []
        for clock_id in (0, 0, 1, 2, 3):
            calls.clock_time_get(clock_id, 0, 0)
            values.append(calls.memory.read_u64(0))
        return values

    assert times() == times() == [5_000, 5_001, 2, 3, 4]


def test_a_fixed_clock_passes_while_the_guest_sleeps() -> None:
    calls = Calls(clock=FixedClock(0, step_ns=1000))
    hour = 3600 * 10**9
    calls.memory.pack(SUBSCRIPTION, 0, 7, 0, 1, hour, 0, 0)
    assert calls.poll_oneoff(0, 64, 1, calls.RESULT) == "OK"
    assert calls.clock_time_get(1, 0, 0) == "OK"
    assert hour <= calls.memory.read_u64(0) < hour + 10**6
    assert calls.clock_res_get(1, 0) == "OK"
    assert calls.memory.read_u64(0) == 1000


def test_random_bytes_repeat_with_a_seed() -> None:
    def drawn(**options: Any) -> bytes:
        calls = Calls(**options)
        assert calls.random_get(0, 32) == "OK"
        return calls.memory.read(0, 32)

    assert drawn(random=1) == drawn(random=1) != drawn(random=2)
    assert drawn() != drawn()
    assert drawn(random=lambda size: b"x" * size) == b"x" * 32


def test_a_configuration_serves_many_instances() -> None:
    """Instances with one configuration have their own input and output."""
    config = WasiConfig(stdin=b"text", stdout=CAPTURE, random=3)
    calls = [Calls(**{name: getattr(config, name) for name in ("stdin", "stdout")}) for _ in "ab"]
    for one in calls:
        assert one.read(0) == b"text"
        one.write(1, b"x")
        assert one.instance.wasi.stdout == b"x"


def test_pywasm3_imports_wasi_when_it_is_used() -> None:
    child(
        """
        import sys
        assert "pywasm3.wasi" not in sys.modules
        assert pywasm3.wasi.CAPTURE is sys.modules["pywasm3.wasi"].CAPTURE
        """
    )
    with pytest.raises(AttributeError, match="has no attribute 'wasm'"):
        _ = pywasm3.wasm  # type: ignore[attr-defined]


def test_where_files_are_those_of_windows_streams_still_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(context, "_WINDOWS", True)
    (tmp_path / "in").write_bytes(b"text")
    with open(tmp_path / "out", "wb") as out:
        monkeypatch.setattr(os, "open", lambda *_: os.dup(out.fileno()))
        calls = Calls(stdout=tmp_path / "out")
        assert calls.write(1, b"written") == "OK"
        monkeypatch.undo()
        assert (tmp_path / "out").read_bytes() == b"written"


def test_a_fixed_clock_passes_while_the_guest_waits_for_a_descriptor() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as file, open(writing, "wb", buffering=0):
        calls = Calls(stdin=Path(f"/dev/fd/{file.fileno()}"), clock=0)
        hour = 3600 * 10**9
        calls.memory.pack(SUBSCRIPTION, 0, 7, 0, 1, hour, 0, 0)
        calls.memory.pack(SUBSCRIPTION, 48, 8, 1, 0, 0, 0, 0)
        assert calls.poll_oneoff(0, 128, 2, calls.RESULT) == "OK"
        assert (calls.result(), calls.memory.read_u64(128)) == (1, 7)


def test_waiting_ends_when_a_descriptor_is_ready() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as file, open(writing, "wb", buffering=0) as other:
        calls = Calls(stdin=Path(f"/dev/fd/{file.fileno()}"))
        calls.memory.pack(SUBSCRIPTION, 0, 8, 1, 0, 0, 0, 0)
        threading.Timer(0.05, other.write, (b"x",)).start()
        assert calls.poll_oneoff(0, 128, 1, calls.RESULT) == "OK"
        assert (calls.result(), calls.memory.read_u64(128)) == (1, 8)
        assert calls.read(0) == b"x"


SLEEPER = """(module
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const 3600000000000))
    (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
def test_ctrl_c_ends_a_sleep() -> None:
    child(
        """
        import os, signal, threading
        instance = pywasm3.load(sleeper, wasi=pywasm3.wasi.WasiConfig())
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            instance.run()
        except KeyboardInterrupt:
            raise SystemExit(42)
        """,
        result=42,
        sleeper=wat(SLEEPER),
    )


def test_a_stream_that_fails_at_its_end_keeps_no_other_open(tmp_path: Path) -> None:
    class Failing:
        def write(self, data: bytes) -> int:
            return len(data)

        def flush(self) -> None:
            raise OSError(28, "full")

    calls = Calls(stdout=Failing(), stderr=tmp_path / "err")
    with pytest.raises(OSError, match="full"):
        calls.instance.close()
    assert calls.instance.closed
    calls.instance.close()


def test_a_function_that_outlives_its_instance_reaches_the_memory() -> None:
    sizes = load(
        """(module
        (import "wasi_snapshot_preview1" "args_sizes_get"
          (func $sizes (param i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "sizes") (result i32) i32.const 0 i32.const 4 call $sizes))""",
        wasi=WasiConfig(args=["program"]),
    ).exports.sizes
    assert sizes() == 0


def test_arguments_and_variables_may_be_bytes() -> None:
    calls = Calls(args=[b"\xff"], env={b"\xfe": b"\xfd"})
    assert calls.args_get(0, 64) == calls.environ_get(0, 80) == "OK"
    assert calls.memory.read(64, 2) == b"\xff\0"
    assert calls.memory.read(80, 4) == b"\xfe=\xfd\0"


class OddClock:
    """A clock whose methods return whatever it was made with."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def now_ns(self, clock_id: int) -> Any:
        return self.answer

    def resolution_ns(self, clock_id: int) -> Any:
        return self.answer

    def sleep_ns(self, duration_ns: int) -> None:
        pass


@pytest.mark.parametrize("answer", [1.5, None, "1"])
def test_a_clock_that_gives_no_whole_number_is_named(answer: Any) -> None:
    calls = Calls(clock=OddClock(answer))
    kind = type(answer).__name__
    with pytest.raises(TypeError, match=rf"clock.now_ns must return an int .*, not {kind}"):
        calls.clock_time_get(0, 0, calls.RESULT)
    with pytest.raises(TypeError, match=rf"clock.resolution_ns must return an int .*, not {kind}"):
        calls.clock_res_get(0, calls.RESULT)
    with pytest.raises(TypeError, match="now_ns must return"):
        Calls(clock=OddClock(answer), preopens={"/": VirtualDir()})


@pytest.mark.parametrize("answer", [-5, 2**64 + 2**63])
def test_a_time_beyond_64_bits_is_cut(answer: int, tmp_path: Path) -> None:
    calls = Calls(clock=OddClock(answer), preopens={"/": VirtualDir(), "/host": tmp_path})
    for error in (
        calls.clock_time_get(0, 0, calls.RESULT),
        calls.clock_res_get(0, calls.RESULT),
    ):
        assert error == "OK"
        assert calls.memory.read_u64(calls.RESULT) == answer % 2**64
    assert calls.path_filestat_set_times(3, 0, ".", 0, 0, 2 | 8) == "OK"
    assert calls.path_filestat_set_times(4, 0, ".", 0, 0, 2 | 8) == "OK"
    assert calls.fd_filestat_get(3, calls.RESULT) == "OK"


@pytest.mark.parametrize(
    ("random", "error", "message"),
    [
        (lambda size: b"x", ValueError, "as many bytes as it is asked for: expected 8, got 1"),
        (lambda size: bytes(size + 1), ValueError, "expected 8, got 9"),
        (lambda size: "x" * size, TypeError, "random must return bytes, not str"),
        (lambda size: None, TypeError, "random must return bytes, not NoneType"),
    ],
)
def test_a_source_of_other_bytes_is_named(random: Any, error: Any, message: str) -> None:
    """A `random` that returns no bytes, or a wrong number of them, is an error that says so."""
    calls = Calls(random=random)
    with pytest.raises(error, match=message):
        calls.random_get(calls.RESULT, 8)
    assert calls.memory.read(calls.RESULT, 8) == bytes(8)


def test_several_buffers_are_one_question_to_a_file() -> None:
    """fd_read with several buffers reads once from the file.

    A second read would wait for more input, and if it failed, the bytes of the first would be lost.
    """

    class Once:
        def read(self, size: int) -> bytes:
            assert not vars(self)
            self.asked = size
            return b"abcd"

    calls = Calls(stdin=Once())
    calls.memory.pack("6I", 0, 4096, 3, 4200, 3, 4300, 3)
    assert calls.fd_read(0, 0, 3, calls.RESULT) == "OK"
    assert calls.result() == 4
    assert calls.memory.read(4096, 4) + calls.memory.read(4200, 3) == b"abc\0d\0\0"


def test_a_file_that_reads_no_bytes_is_an_exception() -> None:
    class Counting:
        def read(self, size: int) -> int:
            return size

    with pytest.raises(TypeError, match="bytes-like"):
        Calls(stdin=Counting()).read(0)


def test_what_a_buffer_over_a_full_pipe_takes_is_reported() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    text = bytes(range(256)) * 17
    with open(reading, "rb") as pipe:
        with open(writing, "wb", buffering=4096) as file:
            calls = Calls(stdout=file)
            told = 0
            while calls.write(1, text) == "OK":
                told += calls.result()
            os.set_blocking(writing, True)
            reader = threading.Thread(target=lambda: got.append(pipe.read()))
            got: list[bytes] = []
            reader.start()
        reader.join()
    assert len(got[0]) == told


def test_a_short_write_below_a_text_file_is_reported() -> None:
    class Short(io.RawIOBase):
        taken = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.taken += bytes(data[:2])
            return 2

    raw: Any = Short()
    calls = Calls(stdout=io.TextIOWrapper(raw, write_through=True))
    assert calls.write(1, b"abc") == "OK"
    assert calls.result() == 2
    assert raw.taken == b"ab"


def test_half_a_character_at_the_end_is_written_too() -> None:
    file = io.StringIO()
    calls = Calls(stdout=file)
    calls.write(1, b"a" + GRUESSE[2:3])
    calls.instance.close()
    assert file.getvalue() == "a\ufffd"


# ---- the configuration as a value ----


def test_a_configuration_is_immutable_equal_by_value_and_shown_by_name() -> None:
    config = WasiConfig(args=["a"], max_open=3)
    assert config == WasiConfig(args=("a",), max_open=3) != WasiConfig(args=["a"])
    assert repr(config).startswith("WasiConfig(args=('a',), env={}, preopens={}, stdin=None,")
    with pytest.raises(AttributeError, match="immutable"):
        config.max_open = 4
    with pytest.raises(TypeError, match="positional"):
        WasiConfig(["a"])  # type: ignore[misc]


def test_a_configuration_can_be_copied_with_changes_and_pickled() -> None:
    config = WasiConfig(args=["a"], env={"K": "V"}, inherit=["stdio"])
    assert pickle.loads(pickle.dumps(config)) == config
    changed = config.__replace__(args=["b"])
    assert (changed.args, changed.env, changed.stdin) == (("b",), {"K": "V"}, INHERIT)
