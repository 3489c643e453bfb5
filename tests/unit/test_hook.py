# SPDX-License-Identifier: MIT
"""`pywasm3.hook` imports guests as Python imports its own modules.

Python's import system says what that means: reloading, packages, zip files, names that come first.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import os
import pickle
import pkgutil
import pydoc
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import pywasm3
import pywasm3.hook
from helpers import GUESTS, child, hammer, wat
from pywasm3 import hook
from pywasm3.wasi import CAPTURE, WasiConfig

ADD = """
(module
  (memory (export "memory") 1)
  (global (export "__heap_base") i32 (i32.const 1024))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "with-dash")) (func (export "class"))
  (func (export "__name__")) (func (export "__getattr__")) (func (export "__path__")))
"""
SAYS = """
(module (import "hosts" "say" (func $say (param i32) (result i32)))
  (func (export "run") (param i32) (result i32) (call $say (local.get 0))))
"""


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Removes what a test imported or installed."""
    before, path, modules = list(sys.meta_path), list(sys.path), set(sys.modules)
    yield
    sys.meta_path[:] = before
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of sys.path."""
    sys.path.insert(0, str(tmp_path))
    importlib.invalidate_caches()
    return tmp_path


def imported(folder: Path, text: str, name: str = "my_guest") -> ModuleType:
    (folder / f"{name}.wasm").write_bytes(wat(text))
    importlib.invalidate_caches()
    return importlib.import_module(name)


# ---- the module ----


def test_exports_are_attributes(folder: Path) -> None:
    guest = imported(folder, ADD)
    assert guest.add(2, 3) == 5
    assert isinstance(guest.memory, pywasm3.Memory)
    assert guest.__heap_base.value == 1024
    assert isinstance(guest.__wasm__, pywasm3.Instance)
    assert guest.add is guest.__wasm__.exports.add
    assert getattr(guest, "class")() is None
    assert guest.__wasm__.exports["with-dash"]() is None


def test_names_of_python_keep_their_meaning(folder: Path) -> None:
    guest = imported(folder, ADD)
    assert guest.__name__ == "my_guest"
    assert guest.__file__ == str(folder / "my_guest.wasm")
    assert guest.__spec__.origin == guest.__file__
    assert isinstance(guest.__loader__, hook.Loader)
    assert not hasattr(guest, "__path__")
    assert not hasattr(guest, "absent")
    assert repr(guest) == f"<module 'my_guest' from {guest.__file__!r}>"


def test_all_has_the_exports_that_do_not_begin_with_an_underscore(folder: Path) -> None:
    guest = imported(folder, ADD)
    assert guest.__all__ == ["memory", "add", "class"]
    namespace: dict[str, object] = {}
    exec("from my_guest import *", namespace)
    assert namespace["add"] is guest.add
    assert "__heap_base" not in namespace


def test_the_docstring_lists_the_exports(folder: Path) -> None:
    text = imported(folder, ADD).__doc__ or ""
    assert text.startswith("The WebAssembly module my_guest.wasm, which has ")
    assert "    add: function (i32, i32) -> i32\n" in text


def test_the_docstring_of_a_large_module_is_short(folder: Path) -> None:
    functions = "".join(f'(func (export "f{number}"))' for number in range(2000))
    guest = imported(folder, f"(module {functions})")
    assert len(guest.__all__) == 2000
    assert len((guest.__doc__ or "").splitlines()) < 30


def test_tools_can_look_at_it(folder: Path) -> None:
    guest = imported(folder, ADD)
    assert str(inspect.signature(guest.add)) == "(p0: int, p1: int, /) -> int"
    assert inspect.getmodule(guest) is guest
    assert dict(inspect.getmembers(guest))["add"] is guest.add
    assert "add(p0: int, p1: int, /) -> int" in pydoc.plain(pydoc.render_doc(guest))
    with pytest.raises(OSError):
        (folder / "my_guest.wasm").unlink()
        inspect.getsource(guest)
    assert guest.__loader__.get_source("my_guest") is None
    assert guest.__loader__.get_code("my_guest") is None
    assert not guest.__loader__.is_package("my_guest")


def test_it_is_pickled_like_every_module(folder: Path) -> None:
    guest = imported(folder, ADD)
    for one in (guest.add, guest.__wasm__):
        with pytest.raises(TypeError):
            pickle.dumps(one)
    if sys.implementation.name == "pypy":  # there, a pickled module is its name
        assert pickle.loads(pickle.dumps(guest)) is guest
        assert copy.deepcopy(guest) is guest
        return
    with pytest.raises(TypeError):
        pickle.dumps(guest)
    with pytest.raises(TypeError):
        copy.deepcopy(guest)


def test_its_attributes_can_be_replaced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = imported(folder, ADD)
    monkeypatch.setattr(guest, "add", lambda a, b: 0)
    assert guest.add(2, 3) == 0


# ---- where it is found ----


def test_it_is_found_in_a_package(folder: Path) -> None:
    package = folder / "package" / "inner"
    package.mkdir(parents=True)
    (folder / "package" / "__init__.py").write_text("from . import guest\n")
    (package / "__init__.py").write_text("")
    (folder / "package" / "guest.wasm").write_bytes(wat(ADD))
    (package / "guest.wasm").write_bytes(wat(ADD))
    importlib.invalidate_caches()
    import package as found  # type: ignore[import-not-found]

    assert found.guest.add(2, 3) == 5
    assert found.guest.__package__ == "package"
    inner = importlib.import_module("package.inner.guest")
    assert inner.__name__ == "package.inner.guest"
    assert inner.__wasm__ is not found.guest.__wasm__


def test_it_is_found_in_a_namespace_package(folder: Path) -> None:
    (folder / "without_init").mkdir()
    (folder / "without_init" / "guest.wasm").write_bytes(wat(ADD))
    importlib.invalidate_caches()
    assert importlib.import_module("without_init.guest").add(2, 3) == 5


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_it_is_found_in_a_zip_file(tmp_path: Path, compression: int) -> None:
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w", compression) as file:
        file.writestr("top.wasm", wat(ADD))
        file.writestr("zipped/__init__.py", "from . import guest\n")
        file.writestr("zipped/guest.wasm", wat(ADD))
        file.writestr("zipped/data.txt", "text")
        file.writestr("broken.wasm", b"\0asm")
    sys.path.insert(0, str(archive))
    top = importlib.import_module("top")
    assert (top.add(2, 3), top.__file__) == (5, os.path.join(archive, "top.wasm"))
    zipped = importlib.import_module("zipped")
    assert zipped.guest.add(2, 3) == 5
    place = os.path.join(archive, "zipped", "data.txt")
    assert zipped.guest.__loader__.get_data(place) == b"text"
    with pytest.raises(ImportError, match=r"archive\.zip.*broken\.wasm"):
        importlib.import_module("broken")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("zipped.absent")


def test_python_comes_first(folder: Path) -> None:
    (folder / "both.py").write_text("kind = 'python'\n")
    assert imported(folder, ADD, "both").kind == "python"


def test_the_first_folder_of_the_path_counts(folder: Path) -> None:
    second = folder / "second"
    second.mkdir()
    (second / "my_guest.wasm").write_bytes(wat("(module)"))
    sys.path.insert(1, str(second))
    assert imported(folder, ADD).__all__


def test_it_is_found_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_guest.wasm").write_bytes(wat(ADD))
    monkeypatch.chdir(tmp_path)
    sys.path.insert(0, "")
    importlib.invalidate_caches()
    assert importlib.import_module("my_guest").add(2, 3) == 5


def test_a_folder_with_the_name_is_no_guest(folder: Path) -> None:
    (folder / "my_guest.wasm").mkdir()
    importlib.invalidate_caches()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("my_guest")


def test_what_is_not_there_is_not_found(folder: Path) -> None:
    sys.path[1:1] = [str(folder / "absent"), str(folder / "absent.zip")]
    with pytest.raises(ModuleNotFoundError, match="my_guest"):
        importlib.import_module("my_guest")


def test_a_path_may_have_entries_that_are_no_paths(folder: Path) -> None:
    sys.path.insert(0, 5)  # type: ignore[arg-type]
    assert imported(folder, ADD).add(2, 3) == 5
    sys.path.remove(5)  # type: ignore[arg-type]


def test_the_hook_is_installed_once() -> None:
    child("""
    import importlib, sys
    import pywasm3.hook
    count = len(sys.meta_path)
    importlib.reload(pywasm3.hook)
    assert len(sys.meta_path) == count
    """, result=0)  # fmt: skip


def test_the_package_does_not_import_the_hook() -> None:
    child("import sys; assert 'pywasm3.hook' not in sys.modules")


# ---- importing again ----


def test_reloading_reads_the_file_again(folder: Path) -> None:
    guest = imported(folder, ADD)
    old, guest.mine = guest.add, "kept"
    (folder / "my_guest.wasm").write_bytes(
        wat('(module (func (export "twice") (param i32) (result i32)'
            " (i32.mul (local.get 0) (i32.const 2))))")
    )  # fmt: skip
    assert importlib.reload(guest) is guest
    assert guest.twice(4) == 8
    assert not hasattr(guest, "add")
    assert not hasattr(guest, "memory")
    assert (guest.mine, guest.__all__, old(2, 3)) == ("kept", ["twice"], 5)


def test_a_reload_that_fails_changes_nothing(folder: Path) -> None:
    guest = imported(folder, ADD)
    (folder / "my_guest.wasm").write_bytes(b"nothing")
    with pytest.raises(ImportError):
        importlib.reload(guest)
    assert guest.add(2, 3) == 5


def test_reloading_gives_a_new_instance(folder: Path) -> None:
    guest = imported(folder, ADD)
    guest.memory.write(0, b"x")
    importlib.reload(guest)
    assert guest.memory.read(0, 1) == b"\0"


# ---- errors ----


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"", pywasm3.MalformedError),
        (b"MZ\x90\0", pywasm3.MalformedError),
        (b"\0asm\1\0\0\0\xff", pywasm3.MalformedError),
        (wat("(module)") + b"\3\2\1\0", pywasm3.InvalidError),
    ],
)
def test_a_file_that_is_no_module_is_an_import_error(
    folder: Path, data: bytes, cause: type[Exception]
) -> None:
    (folder / "my_guest.wasm").write_bytes(data)
    importlib.invalidate_caches()
    with pytest.raises(ImportError) as caught:
        importlib.import_module("my_guest")
    error = caught.value
    assert str(error).startswith(
        f"cannot import 'my_guest' from {folder / 'my_guest.wasm'}: {cause.__name__}: "
    )
    assert (error.name, error.path) == ("my_guest", str(folder / "my_guest.wasm"))
    assert isinstance(error.__cause__, cause)
    assert "my_guest" not in sys.modules


def test_a_missing_import_is_an_import_error(folder: Path) -> None:
    with pytest.raises(ImportError, match=r"LinkError: (.|\n)*hosts\.say"):
        imported(folder, SAYS)


def test_what_the_start_function_raises_passes(folder: Path) -> None:
    with pytest.raises(pywasm3.Trap):
        imported(folder, "(module (func $f unreachable) (start $f))")
    assert "my_guest" not in sys.modules


# ---- options ----


def test_imports_are_given(folder: Path) -> None:
    hook.install(imports={"hosts": {"say": lambda x: x + 1}})
    assert imported(folder, SAYS).run(4) == 5


def test_options_are_for_the_modules_that_they_name(folder: Path) -> None:
    hook.install(imports={"hosts": {"say": lambda x: x + 1}}, modules=["first"])
    hook.install(imports={"hosts": {"say": lambda x: x + 2}}, modules=["second"])
    assert imported(folder, SAYS, "first").run(0) == 1
    assert imported(folder, SAYS, "second").run(0) == 2
    with pytest.raises(ImportError):
        imported(folder, SAYS, "third")


def test_the_last_installation_counts_until_it_is_removed(folder: Path) -> None:
    with hook.install(missing="trap") as outer:
        with hook.install(imports={"hosts": {"say": lambda x: 7}}):
            assert imported(folder, SAYS, "first").run(0) == 7
        with pytest.raises(pywasm3.WasmError, match=r"hosts\.say"):
            imported(folder, SAYS, "second").run(0)
    outer.uninstall()
    with pytest.raises(ImportError):
        imported(folder, SAYS, "third")


def test_limits_are_for_each_guest(folder: Path) -> None:
    hook.install(limits=pywasm3.Limits(fuel=1000))
    text = '(module (func (export "spin") (loop (br 0))))'
    for name in ("first", "second"):
        with pytest.raises(pywasm3.OutOfFuel):
            imported(folder, text, name).spin()


def test_a_program_for_wasi_gets_its_configuration(folder: Path) -> None:
    hook.install(wasi=WasiConfig(stdout=CAPTURE, args=["program", "hello"]))
    text = """
    (module (import "wasi_snapshot_preview1" "fd_write"
              (func $write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1) (data (i32.const 0) "\\08\\00\\00\\00\\02\\00\\00\\00hi")
      (func (export "_start")
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))
    """
    guest = imported(folder, text)
    assert guest.__wasm__.run() == 0
    assert guest.__wasm__.wasi.stdout == b"hi"
    assert guest.__all__ == ["memory"]


def test_one_name_where_several_belong_is_refused() -> None:
    with pytest.raises(TypeError, match="modules must be several names"):
        hook.install(modules="guest")
    with pytest.raises(TypeError, match="from_python must be several names"):
        hook.install(from_python="os")
    with pytest.raises(TypeError, match="imports must be a mapping"):
        hook.install(imports=5)  # type: ignore[arg-type]


# ---- imports from modules of Python ----


def test_imports_come_from_modules_of_python_that_are_named(folder: Path) -> None:
    (folder / "hosts.py").write_text("def say(x): return x * 3\n")
    hook.install(from_python=["hosts"])
    assert imported(folder, SAYS).run(4) == 12


def test_no_other_module_of_python_is_imported(folder: Path) -> None:
    """A guest that asks for os.abort must not get it."""
    (folder / "hosts.py").write_text("say = 1\n")
    hook.install(from_python=["other"])
    with pytest.raises(ImportError, match=r"hosts\.say"):
        imported(folder, SAYS)
    with pytest.raises(ImportError, match=r"os\.abort"):
        imported(folder, '(module (import "os" "abort" (func)))', "evil")
    assert "hosts" not in sys.modules


def test_what_is_given_comes_before_modules_of_python(folder: Path) -> None:
    (folder / "hosts.py").write_text("def say(x): return x * 3\n")
    hook.install(from_python=["hosts"], imports={("hosts", "say"): lambda x: 0})
    assert imported(folder, SAYS).run(4) == 0


def test_a_guest_imports_from_another_guest(folder: Path) -> None:
    (folder / "hosts.wasm").write_bytes(
        wat('(module (func (export "say") (param i32) (result i32)'
            " (i32.mul (local.get 0) (i32.const 5))))")
    )  # fmt: skip
    hook.install(from_python=["hosts"], limits=pywasm3.Limits(fuel=10_000))
    guest = imported(folder, SAYS)
    assert guest.run(4) == 20
    assert guest.__wasm__.store is sys.modules["hosts"].__wasm__.store


@pytest.mark.parametrize(
    ("host", "message"),
    [
        (None, "it imports from hosts, which fails: No module named 'hosts'"),
        ("import absent_module", "it imports from hosts, which fails: .*absent_module"),
        ("other = 1", r"hosts\.say"),
        ("say = 'text'", r"hosts\.say: expected function"),
    ],
)
def test_a_module_of_python_that_does_not_fit_is_an_import_error(
    folder: Path, host: str | None, message: str
) -> None:
    if host is not None:
        (folder / "hosts.py").write_text(host)
    hook.install(from_python=["hosts"])
    with pytest.raises(ImportError, match=message) as caught:
        imported(folder, SAYS)
    assert caught.value.name == "my_guest"


def test_what_a_module_of_python_raises_passes(folder: Path) -> None:
    (folder / "hosts.py").write_text("raise KeyError('of the host')")
    hook.install(from_python=["hosts"])
    with pytest.raises(KeyError):
        imported(folder, SAYS)


def test_a_guest_and_its_host_may_import_each_other(folder: Path) -> None:
    (folder / "hosts.py").write_text(
        "import my_guest\ndef say(x): return x if x > 100 else my_guest.run(x * 10)\n"
    )
    hook.install(from_python=["hosts"])
    assert imported(folder, SAYS).run(2) == 200


# ---- unusual circumstances ----


def test_threads_that_import_at_once_get_one_instance(folder: Path) -> None:
    (folder / "my_guest.wasm").write_bytes(wat(ADD))
    importlib.invalidate_caches()
    found: list[ModuleType] = []
    hammer(lambda _: found.append(importlib.import_module("my_guest")))
    assert len({id(one.__wasm__) for one in found}) == 1


def test_names_that_cannot_be_printed_are_escaped_in_the_docstring(folder: Path) -> None:
    guest = imported(folder, f'(module (func (export "a\\nb")) (func (export "{"x" * 5000}")))')
    text = guest.__doc__ or ""
    assert "a\\u{a}b: function" in text
    assert len(text) < 1000
    assert guest.__all__ == ["x" * 5000]


def test_a_folder_of_the_path_may_vanish(folder: Path) -> None:
    sub = folder / "sub"
    sub.mkdir()
    sys.path.insert(0, str(sub))
    imported(sub, ADD, "first")
    (sub / "first.wasm").unlink()
    sub.rmdir()
    importlib.invalidate_caches()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("second")


# ---- types ----


def test_stubs_declare_what_the_hook_makes(folder: Path) -> None:
    """mypy --strict judges the stub, and its names are those that the module has."""
    for name in ("arith", "strings", "multi"):
        data = (GUESTS / f"{name}.wasm").read_bytes()
        (folder / f"{name}.wasm").write_bytes(data)
        command = [sys.executable, "-m", "pywasm3", "stubs", "--module", f"{name}.wasm"]
        stub = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=True
        ).stdout
        (folder / f"{name}.pyi").write_text(stub)
    importlib.invalidate_caches()
    program = ["import arith, multi, strings"]
    for name in ("arith", "strings", "multi"):
        guest = importlib.import_module(name)
        namespace: dict[str, object] = {}
        exec(compile((folder / f"{name}.pyi").read_text(), "stub", "exec"), namespace)
        assert namespace["__all__"] == guest.__all__
        program += [f"{name}.{export}" for export in guest.__all__]
    program += ["total: int = arith.add_i32(1, 2)", "arith.__wasm__.fuel = 5", "arith.absent"]
    (folder / "use.py").write_text("\n".join([*program, ""]))
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary"]
    command += ["--cache-dir", str(folder / "cache"), "use.py"]
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout
    assert found.splitlines() == [
        f'use.py:{len(program)}: error: Module has no attribute "absent"  [attr-defined]'
    ]


def test_pkgutil_is_not_confused(folder: Path) -> None:
    imported(folder, ADD)
    assert "my_guest" not in {found.name for found in pkgutil.iter_modules([str(folder)])}
