# SPDX-License-Identifier: MIT
"""Programs that Go compiled with GOOS=js GOARCH=wasm: how they start, run and end."""

from __future__ import annotations

import threading
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..._errors import WasiExit, WasmError
from ..._ffi import Function
from ..._instance import Instance
from ..._load import read_source
from ..._module import Module
from ..._wait import STEP_SECONDS
from ..._wait import check as stop_if_due
from ...wasi import WasiConfig
from ...wasi.abi import WasiError
from .._closing import Closing
from .._one_call import OneCall
from . import tinygo
from .budget import Budget
from .builtins import Builtins
from .filesystem import FileSystem
from .function import Event, GoFunction, GoObject
from .imports import MODULES, Imports
from .loop import Loop
from .promise import Promise
from .references import Frame, References

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable

    from ..._aliases import Imports as GivenImports
    from ..._aliases import Source
    from ..._limits import Limits
    from ...wasi import HostDir, VirtualDir, Wasi

# Go's linker keeps these addresses free for the arguments and the environment.
_ARGS_BEGIN, _ARGS_END = 4096, 4096 + 8192
_PANIC = 2
_GO_EXPORTS = ("run", "resume", "getsp", "mem")


class _Guest(Instance):
    """The instance of a program, which initializes a library of TinyGo when it starts."""

    __slots__ = ()

    def _initialize(self) -> None:
        """Does nothing yet, because the imports cannot be called before the program is made."""


class Program(Closing):
    """A program that Go or TinyGo compiled with ``GOOS=js GOARCH=wasm``.

    ``run()`` runs it to its end. A program that offers functions to its host, and waits for calls
    in ``select {}``, is begun by ``start()``; then ``program.globals`` has what it has set there.

    Attributes:
        globals: The global object: what Go finds by ``js.Global()``.
        instance: The instance, for its limits, its fuel and ``interrupt()``.
        exit_code: The exit code of the program, or None as long as it has not ended.
        deadlocked: Whether the program ended because nothing could happen any more.
        last_error: The last exception of a host function that Go was given as an error. A program
            that does not recover from it ends with exit code 2.
    """

    def __init__(
        self,
        module: Module | Source,
        *,
        wasi: WasiConfig | None = None,
        globals: Mapping[str, Any] | None = None,
        imports: GivenImports | None = None,
        cwd: str | None = None,
        limits: Limits | None = None,
        max_kept_bytes: int = 1 << 30,
    ) -> None:
        """Instantiates the module, without running anything of it.

        Args:
            module: A Module, or what ``pywasm3.load`` takes: a path, bytes or a file.
            wasi: The arguments, the environment, the directories, the streams, the clock and the
                random numbers that the program is given. By default it is given none.
            globals: Values that Go finds by ``js.Global().Get(name)``, besides those that are there
                anyway and that have precedence over them: functions, dicts, lists, numbers, text,
                bytes, and objects of classes that `exposes` decorates.
            imports: Values for imports of other modules, such as those of ``//go:wasmimport``.
            cwd: The directory that relative paths begin in. None: that of the environment variable
                PWD, or the first directory that is preopened.
            limits: The limits of the guest's store.
            max_kept_bytes: How many bytes of JavaScript values the host keeps for the guest.

        Raises:
            ModuleError: The bytes cannot be used as a module.
            LinkError: The module imports something else, too.
            WasmError: It is not a module that Go made for GOOS=js.
            OSError: Something that `wasi` names cannot be opened.
            ValueError: The arguments and the environment are together longer than 8 KB.
            TypeError: An argument has the wrong type.
        """
        self.exit_code: int | None = None
        self.deadlocked = False
        self.last_error: BaseException | None = None
        self._started = self._closed = False
        self._resumed = 0
        self._budget = Budget(max_kept_bytes)
        loaded = module if isinstance(module, Module) else Module(read_source(module))
        self._tiny = tinygo.is_made_by_tinygo(loaded)
        self._entry = tinygo.entry_of(loaded) if self._tiny else "run"
        _require_exports(loaded, (self._entry, "memory") if self._tiny else _GO_EXPORTS)
        self._imports = tinygo.TinyGoImports(self) if self._tiny else Imports(self)
        modules = tinygo.MODULES if self._tiny else MODULES
        functions = self._imports.functions()
        given: dict[Any, Any] = {**(imports or {}), **dict.fromkeys(modules, functions)}
        config = WasiConfig() if wasi is None else wasi
        self.instance: Instance = _Guest(loaded, given, wasi=config, limits=limits)
        self.wasi: Wasi = self.instance.wasi
        try:
            self._prepare(cwd, globals)
        except BaseException:
            self.wasi.close()
            raise

    def _prepare(self, cwd: str | None, given: Mapping[str, Any] | None) -> None:
        exports = self.instance.exports
        self._getsp = exports.get("getsp", None)
        self._loop = Loop(self.wasi, self._budget)
        self._files = FileSystem(self.wasi, self._loop, self._budget, cwd)
        builtins = Builtins(self.wasi, self._budget, self._loop, self._files, self._exit)
        self.globals: dict[str, Any] = builtins.globals()
        self.globals.update(given or {})
        self._go = GoObject(self)
        self._references = References(self._budget, self.globals, self._go)
        self._imports.frame = Frame(self.wasi.memory, self._references)
        if not self._tiny:
            self._argc, self._argv, self._start_data = _start_data(self.wasi)
        self._one_call = OneCall(self.instance.store)

    # ---- running ----

    def run(self) -> int:
        """Runs the program until it ends, and returns its exit code.

        As under Node, a program ends with a report of its goroutines and exit code 2 if it waits
        and nothing can happen any more. In a program that ``start()`` has begun, it goes on.

        Raises:
            Trap: The guest was stopped: it trapped, or a limit, a deadline or ``interrupt()``.
            WasmError: The program has ended before or is closed, or is a library of TinyGo.
            RuntimeError: A host function is async: ``run_async()`` runs those.
            Exception: A host function raised an exception where Go does not expect one.
        """
        self._require_main()
        self._enter(self._run)
        assert self.exit_code is not None
        return self.exit_code

    async def run_async(self) -> int:
        """Runs the program on another thread until it ends, and returns its exit code.

        Async host functions run as tasks of this event loop, and Go gets promises of their results.
        If this task is cancelled, the guest is stopped. The errors are those of ``run()``.
        """
        self._require_main()
        await self._enter_async(self._run)
        assert self.exit_code is not None
        return self.exit_code

    def start(self) -> None:
        """Runs the program until it waits for a time, for input or to be called.

        A program of TinyGo may also end: its exports, which ``program.instance.exports`` has, can
        be called all the same. A library of TinyGo is initialized.

        Raises:
            WasiExit: The program ended meanwhile, and is not a program of TinyGo.
            WasmError: The program has been started before or is closed.
            Trap: The guest was stopped.
        """
        self._require_running()
        if self._started:
            raise WasmError("the program has been started before: run() lets it go on")
        self._enter(self._begin, exits=self._entry != tinygo.PROGRAM)

    def wait(self, promise: Any) -> Any:
        """Runs the program until a promise is settled, and returns its value.

        Args:
            promise: What a Go function returned. A value of another type is returned as it is.

        Raises:
            BaseException: The promise was rejected with this exception; with a JSError if the guest
                gave something else.
            WasiExit: The program ended meanwhile.
            WasmError: Nothing can happen any more, and the promise is not settled.
            Trap: The guest was stopped.
        """
        if not isinstance(promise, Promise):
            return promise
        if not promise.done:
            self._require_running()
            self._enter(lambda: self._settle(promise), exits=True)
        return promise.result()

    async def wait_async(self, promise: Any) -> Any:
        """Does what ``wait`` does on another thread; async host functions run meanwhile."""
        if not isinstance(promise, Promise):
            return promise
        if not promise.done:
            self._require_running()
            await self._enter_async(lambda: self._settle(promise), exits=True)
        return promise.result()

    def _settle(self, promise: Promise) -> None:
        self._begin()
        if not self._loop.run_until(lambda: promise.done):
            raise WasmError("the promise is never settled: nothing can happen in the program")

    def _begin(self) -> None:
        """Starts the program if it has not been, and runs what is ready."""
        if not self._started:
            self._started = True
            self.wasi.memory.refresh()
            self._nested(self._main)
        self._loop.run_ready()

    def _main(self) -> None:
        exports = self.instance.exports
        if self._tiny:  # The arguments and the environment come by WASI.
            exports[self._entry]()
            return
        self._imports.frame.span(_ARGS_BEGIN, len(self._start_data))[:] = self._start_data
        exports["run"](self._argc, self._argv)

    def _run(self) -> None:
        self._begin()
        if self._loop.run_until(lambda: self.exit_code is not None):
            return  # A host function has caught the exception that ends the program.
        # Nothing can happen: Go's runtime reports what waits, and ends the program.
        self.deadlocked = True
        if self._tiny:
            raise WasmError("the program waits, and nothing can happen any more")
        self._go._pendingEvent = Event(0)
        self._resume()
        raise WasmError("the program waits, and nothing can happen any more")

    # ---- entering the guest ----

    def _require_main(self) -> None:
        self._require_running()
        if self._entry == tinygo.LIBRARY:
            raise WasmError(
                "the module is a library, which has no main() to run: start() initializes it, and "
                "program.instance.exports has its functions"
            )

    def _require_running(self) -> None:
        if self._closed:
            raise WasmError("the program is closed")
        if self.exit_code is not None:
            raise WasmError(f"the Go program has already ended with exit code {self.exit_code}")

    def _enter(self, work: Callable[[], None], *, exits: bool = False) -> None:
        """Does some work in the guest's store. `exits` says whether the end of the program raises.

        Raises:
            WasmError: Another thread runs the program.
        """
        with self._at_work(exits):
            self._one_call.run(lambda: self._on_thread(work))

    async def _enter_async(self, work: Callable[[], None], *, exits: bool = False) -> None:
        import asyncio

        with self._at_work(exits):
            self._loop.asyncio = asyncio.get_running_loop()
            try:
                await self._one_call.run_async(lambda: self._on_thread(work))
            finally:
                self._loop.asyncio = None
                self._loop.cancel_tasks()

    @contextmanager
    def _at_work(self, exits: bool) -> Iterator[None]:
        """Lets one thread run the program, and catches its end unless that shall raise."""
        if self._loop.thread is not None:
            raise WasmError("the program runs already: only its functions can be called meanwhile")
        try:
            yield
        except WasiExit as end:
            if exits or end._program is not self.wasi:
                raise

    def _on_thread(self, work: Callable[[], None]) -> None:
        self._loop.thread = threading.get_ident()
        try:
            work()
        except WasiError:
            stop_if_due()
            raise
        finally:
            self._loop.thread = None

    def _nested(self, call: Callable[[], Any]) -> None:
        try:
            call()
        except WasiExit as end:
            if end._program is self.wasi:  # TinyGo's modules exit by WASI.
                self.exit_code = end.code
            raise
        finally:
            self._resumed += 1

    def _resume(self) -> None:
        """Lets Go look for the event that is pending, and run until all goroutines wait."""
        self._require_running()
        self._nested(self._exported("resume"))

    def _exported(self, name: str) -> Function:
        """Returns a function that modules of TinyGo without a scheduler do not export."""
        function = self.instance.exports.get(name, None)
        if not isinstance(function, Function):
            raise WasmError(
                f"the module exports no function {name}: it was made without a scheduler"
            )
        return function

    def _call(self, event: Event) -> Any:
        """Calls a Go function, on the thread on which the program runs."""
        self._require_running()
        if not self._started:
            raise WasmError("the program has not been started")
        if self._loop.on_other_thread():
            return self._call_there(event)
        if self._loop.thread is None:
            self._enter(lambda: self._call_and_run(event), exits=True)
        else:
            self._handle(event)
        return event.result

    def _call_and_run(self, event: Event) -> None:
        self._loop.serving = True
        try:
            self._handle(event)
        finally:
            self._loop.serving = False
        self._loop.run_ready()

    def _handle(self, event: Event) -> None:
        outer = self._go._pendingEvent
        self._go._pendingEvent = event
        try:
            self._resume()
        finally:
            self._go._pendingEvent = outer

    def _call_there(self, event: Event) -> Any:
        """Lets the thread that runs the program make a call, and waits for the result."""
        from concurrent.futures import Future, wait  # late, because it imports much

        known: Future[Any] = Future()

        def run() -> None:
            if not known.set_running_or_notify_cancel():
                return
            try:
                self._handle(event)
            except BaseException as error:
                known.set_exception(error)
                raise
            known.set_result(event.result)

        self._loop.post_from_thread(run)
        while True:
            wait([known], timeout=STEP_SECONDS)
            if known.done():
                return known.result()
            # If the thread has left the program meanwhile, the call is made here.
            if not self._loop.on_other_thread() and known.cancel():
                return self._call(event)

    def _given(self, value: Any) -> Any:
        """Returns what Go gets for the result of a host function."""
        return self._loop.promise_of(value) if isinstance(value, Coroutine) else value

    def _exit(self, code: int) -> None:
        code &= 0xFFFFFFFF  # as WASI's proc_exit takes it
        self.exit_code = code
        if not self._tiny:
            self._references.clear()
        # With 2, Go exits after a panic, which may have come of an exception of a host function.
        raise WasiExit(code, self.wasi) from self.last_error if code == _PANIC else None

    # ---- what the host sees ----

    @property
    def stdout(self) -> bytes:
        """The bytes that the program has written to its standard output so far.

        Raises:
            ValueError: The configuration does not capture stdout.
        """
        return self.wasi.stdout

    @property
    def stderr(self) -> bytes:
        """The bytes that the program has written to its standard error so far.

        Raises:
            ValueError: The configuration does not capture stderr.
        """
        return self.wasi.stderr

    def close(self) -> None:
        """Closes the files of the program, and its instance. It may be called more than once."""
        self._closed = True
        self.instance.close()

    def __repr__(self) -> str:
        """Shows whether the program runs or has ended."""
        state = "not started" if not self._started else "started"
        if self.exit_code is not None:
            state = f"ended with exit code {self.exit_code}"
        return f"<gojs.Program: {state}>"


def run(
    module: Module | Source,
    *,
    args: Iterable[str | bytes] = (),
    env: Mapping[str, str] | Mapping[bytes, bytes] | None = None,
    preopens: Mapping[str, str | os.PathLike[str] | HostDir | VirtualDir] | None = None,
    stdin: Any = None,
    stdout: Any = None,
    stderr: Any = None,
    globals: Mapping[str, Any] | None = None,
    cwd: str | None = None,
    limits: Limits | None = None,
) -> int:
    """Runs a program that Go compiled with ``GOOS=js GOARCH=wasm``, and returns its exit code.

    Args:
        module: A Module, or what ``pywasm3.load`` takes: a path, bytes or a file.
        args: The arguments. The first one is the program's name.
        env: The environment variables.
        preopens: The directories that the program can reach, by the names that it sees.
        stdin: What it reads; docs/wasi.md lists what this can be. None: nothing.
        stdout: Where its output goes. None: it is dropped.
        stderr: Where its messages go. None: they are dropped.
        globals: Values that Go finds by ``js.Global().Get(name)``.
        cwd: The directory that relative paths begin in. None: that of the environment variable PWD,
            or the first directory that is preopened.
        limits: The limits of the guest.

    Raises:
        Exception: The errors of ``Program`` and of ``Program.run``.
    """
    config = WasiConfig(
        args=args, env=env, preopens=preopens, stdin=stdin, stdout=stdout, stderr=stderr
    )
    with Program(module, wasi=config, globals=globals, cwd=cwd, limits=limits) as program:
        return program.run()


def _require_exports(module: Module, names: tuple[str, ...]) -> None:
    present = {export.name for export in module.exports}
    if not present.issuperset(names):
        raise WasmError(
            f"the module does not export {', '.join(names)}, as the modules do that Go makes with "
            "GOOS=js GOARCH=wasm: a module for GOOS=wasip1 runs by Instance.run()"
        )


def _start_data(wasi: Wasi) -> tuple[int, int, bytes]:
    """Lays out the arguments and the environment as Go's runtime expects them.

    Returns:
        The number of arguments, the address of the pointers to them, and the bytes from the address
        4096 on.
    """
    data = bytearray()
    pointers = []
    args = wasi.args or [b"js\0"]
    for strings in (args, sorted(wasi.env)):
        for text in strings:
            pointers.append(_ARGS_BEGIN + len(data))
            data += text
            data += bytes(-len(data) % 8)
        pointers.append(0)
    argv = _ARGS_BEGIN + len(data)
    for pointer in pointers:
        data += pointer.to_bytes(8, "little")
    if _ARGS_BEGIN + len(data) >= _ARGS_END:
        raise ValueError(
            f"the arguments and the environment take {len(data)} bytes with the pointers to them, "
            f"and Go has room for {_ARGS_END - _ARGS_BEGIN - 1}"
        )
    return len(args), argv, bytes(data)


__all__ = ["GoFunction", "Program", "run"]
