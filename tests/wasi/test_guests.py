# SPDX-License-Identifier: MIT
"""The compiled WASI guests do the same in pywasm3, on each kind of directory, as in wasmtime.

The guests (tests/guests/wasi) check most errnos themselves and print "done"; for what they print
and for their exit codes, wasmtime says what is expected.
"""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest
import wasmtime

import pywasm3
from helpers import GUESTS, wasmtime_config
from pywasm3.wasi import CAPTURE, VirtualDir, WasiConfig
from wasi_helpers import BACKENDS, directory, guest_module, resolving

# CHECKING are the guests that print only what fails. COMPARED are those of them that wasmtime can
# run, too: it ends a program for a bad pointer (faults), it has no rights, and its Python package
# has no wasi_unstable.
CHECKING = ("directories", "faults", "files", "links", "rights", "unstable", "waiting")
COMPARED = ("directories", "files", "links", "waiting")


def run(name: str, **config: Any) -> tuple[int, str]:
    """The exit code of a guest and what it printed."""
    config = {"stdout": CAPTURE, **config}
    instance = pywasm3.Instance(guest_module(name), wasi=WasiConfig(**config))
    return instance.run(), instance.wasi.stdout.decode()


def run_in_wasmtime(name: str, folder: Path, **options: Any) -> tuple[int, str]:
    """The exit code of a guest in wasmtime and what it printed, which goes through a file."""
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    config = wasmtime_config(options.get("args", ["prog"]), options.get("env", []))
    config.preopen_dir(str(folder), "/data")
    output = folder.parent / "wasmtime.out"
    config.stdout_file = str(output)
    if "stdin" in options:
        config.stdin_file = str(options["stdin"])
    store.set_wasi(config)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    path = str(GUESTS / "wasi" / f"{name}.wasm")
    instance = linker.instantiate(store, wasmtime.Module.from_file(engine, path))
    start = instance.exports(store)["_start"]
    assert isinstance(start, wasmtime.Func)
    code = 0
    try:
        start(store)
    except wasmtime.ExitTrap as end:
        code = end.code
    return code, output.read_text()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CHECKING)
def test_a_guest_finds_each_errno_that_it_expects(name: str, backend: str, tmp_path: Path) -> None:
    with resolving(backend):
        preopens = {"/data": directory(backend, tmp_path)}
        found = run(name, args=["prog", "two"], env={"NAME": "value"}, preopens=preopens)
    assert found == (0, "done\n")


@pytest.mark.parametrize("name", COMPARED)
def test_a_guest_runs_the_same_in_wasmtime(name: str, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    expected = run_in_wasmtime(name, theirs)
    assert expected == (0, "done\n")
    assert run(name, args=["prog"], preopens={"/data": ours}) == expected


def test_arguments_and_environment_are_those_wasmtime_gives(tmp_path: Path) -> None:
    env = {"A": "b", "EMPTY": "", "GRÜSSE": "ß"}
    expected = run_in_wasmtime("process", tmp_path, env=list(env.items()))
    code, text = run("process", args=["prog"], env=env)
    assert (code, text) == expected
    assert "GRÜSSE=ß" in text


def test_each_argument_arrives() -> None:
    code, text = run("process", args=["prog", "two words", "", "ü"])
    assert code == 0
    assert text.startswith("4 19 prog two words  ü\n0 0\n")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_c_program_runs_as_in_wasmtime(backend: str, tmp_path: Path) -> None:
    theirs, ours, stdin = tmp_path / "theirs", tmp_path / "ours", tmp_path / "stdin"
    stdin.write_text("one\ntwo\n")
    for folder in (theirs, ours):
        folder.mkdir()
        (folder / "in.txt").write_text("first\nsecond\n")
    arguments, env = ["program", "x"], {"NAME": "value"}
    expected = run_in_wasmtime("program", theirs, args=arguments, env=[*env.items()], stdin=stdin)
    given: Any = VirtualDir({"in.txt": "first\nsecond\n"}) if backend == "virtual" else ours
    with resolving(backend):
        found = run("program", args=arguments, env=env, stdin=stdin, preopens={"/data": given})
    assert found == expected
    assert found[0] == 3
    assert "entry: new" in found[1]
    moved = (
        given["new/moved.txt"] if backend == "virtual" else (ours / "new/moved.txt").read_bytes()
    )
    assert moved == b"42 written\n"


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_zig_program_uses_directories_as_in_wasmtime(backend: str, tmp_path: Path) -> None:
    """Zig hands on no rights when it opens a directory, and begins to write with fd_pwrite."""
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    ours.mkdir()
    with resolving(backend):
        found = run("folders", args=["folders"], preopens={"/": directory(backend, ours)})
    assert found == run_in_wasmtime("folders", theirs, args=["folders"])
    assert found == (0, "file: contents\nentry: file file\nmoved: contents\n")


def test_threads_run_programs_side_by_side() -> None:
    shared = VirtualDir({"in.txt": "first\nsecond\n"})
    found: dict[int, Any] = {}

    def program(number: int, given: Any) -> None:
        found[number] = run("program", args=["p"], preopens={"/data": given}, stdin=b"one\n")

    own = [VirtualDir({"in.txt": "first\nsecond\n"}) for _ in range(4)]
    threads = [threading.Thread(target=program, args=one) for one in enumerate(own)]
    threads += [threading.Thread(target=program, args=(n, shared)) for n in range(4, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0][0] == 3
    assert [found[n] for n in range(4)] == [found[0]] * 4
    # The programs that shared a directory met each other's files, so they may end otherwise.
    assert sorted(found) == list(range(8))


def test_a_guest_answers_on_a_socket_that_the_host_gave() -> None:
    heard = []

    def call(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as caller:
            caller.sendall(b"hello")
            while piece := caller.recv(100):
                heard.append(piece)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        caller = threading.Thread(target=call, args=(listening.getsockname()[1],))
        caller.start()
        found = run("sockets", sockets=[listening])
        caller.join()
        assert listening.fileno() >= 0  # the host's socket is still open
    assert found == (0, "done\n")
    assert b"".join(heard) == b"answer"
