# SPDX-License-Identifier: MIT
"""The class Store."""

from __future__ import annotations

from _thread import RLock
from _weakref import ref
from operator import index as _index

from .._ffi import ffi, lib
from . import stopping, watch
from .externs import Externs, pinned
from .function import Function, known_of, new_function
from .hooks import hooks
from .host import HostFunction, new_host
from .owner import Owner
from .references import decode_any, encode_new
from .tenants import (
    Tenant,
    add_tenant,
    anchor_of,
    collect,
    dropped,
    is_due,
    new_anchor,
    overwritten,
)
from .turns import (
    closed,
    enter,
    entered,
    forget_others,
    leave,
    refuse,
    require_entered,
    require_usable,
    turn_depth,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from typing_extensions import Self

    from .._limits import Limits
    from .function import Known
    from .host import Host
    from .tenants import Anchor
    from .turns import Waiter
    from .watch import Pool

    Pointer = Any

_MAX_UINT64 = (1 << 64) - 1
_DEFAULT_TOTAL: int = lib.PW_DEFAULT_TOTAL


class _Default(int):
    """An argument that was not given."""


_DEFAULT_STACK = _Default(lib.PW_DEFAULT_STACK)

# All stores, by the number that the engine knows them by: the address of their turns.
_stores: dict[int, ref[Store]] = {}


def store_of(token: Pointer) -> Store | None:
    """Returns the store that the engine means; None if it is gone."""
    found = _stores.get(int(ffi.cast("uintptr_t", token)))
    return None if found is None else found()


class Store:
    """What instances that know each other share: a value stack, function types and a lock.

    An instance makes its own store, unless one of its imports comes from another instance: then it
    joins the store of that one. Only one thread at a time can use a store; others wait.

    Args:
        stack: The size in bytes of the stack for the values of running functions, at most 1 GiB. It
            overrides the stack of `limits`.
        limits: A Limits for everything that lives in the store.

    Raises:
        ValueError: `stack` is out of range.
        MemoryError: There is not enough memory for the stack.
    """

    __slots__ = (
        *("__weakref__", "_account", "_asked", "_call_deadline", "_cancelled"),
        *("_deadline", "_deadlines", "_dropped", "_ended_holds", "_externs", "_failure_hook"),
        *("_field_names", "_hook_ran", "_inner", "_interrupted", "_known", "_lock", "_meter"),
        *("_orphaned", "_outer", "_places", "_pointer", "_pool", "_raised", "_reasons"),
        *("_reported_fuel", "_tenants", "_timeout", "_token", "_tokens", "_trapped", "_turn"),
        *("_turn_owner", "_unheld", "_waiters", "_wanted_fuel"),
    )

    _account: Owner
    _asked: int  # how often marking was asked for since it was last done (tenants.py)
    _call_deadline: int  # when the timeout of the running outermost call ends
    _cancelled: bool  # another thread has cancelled a deadline of the running thread
    _deadline: int  # the earliest of all deadlines of the running call
    _deadlines: dict[int, stopping.Deadline]
    _dropped: int  # how many anchors are gone since the last collection
    _ended_holds: list[int]  # handles of holds that are to be ended by whoever has the turn
    _externs: Externs
    _failure_hook: Callable[[BaseException], BaseException] | None  # see _on_failure
    _field_names: dict[int, dict[str, int]] | None  # the Python layer's, by the numbers of types
    _hook_ran: int  # when the tick hook last ran; 0: it has not run in this call
    _inner: Store | None  # the store whose _outer is this one
    _interrupted: int  # 0, stopping.ONCE or stopping.FOR_GOOD
    _known: dict[int, Known]  # functions that a guest has handed out, by their addresses
    _lock: RLock  # guards what several threads change
    _meter: Pointer
    _orphaned: bool  # the thread that was using the store is not in this child of a fork
    _outer: Store | None  # the store whose host function made the outermost call of this one
    _places: int  # how many places the last marking examined
    _pointer: Pointer  # the engine's store; None: closed
    _pool: Pool | None
    # Exceptions of hooks on their way through the frames of wasm, by the depth of the call.
    _raised: dict[int, BaseException]
    _reasons: int  # why calls must be prepared: the bits of watch.py
    _reported_fuel: int | None  # when a call began or the hook last ran, for other threads
    _tenants: dict[int, ref[Tenant]]  # the others
    _timeout: int  # how long each outermost call may take, in nanoseconds
    _token: int  # the address of the gate
    _tokens: int  # how many instances were made
    _trapped: bool
    _turn: Pointer  # the gate
    _turn_owner: Owner
    _unheld: dict[int, Tenant]  # those whose instances are not held (tenants.py)
    _waiters: list[Waiter]
    _wanted_fuel: tuple[int | None, ...]  # what another thread has set: one number, or none

    def __new__(cls, *, stack: int = _DEFAULT_STACK, limits: Limits | None = None) -> Self:
        """Makes a store."""
        memory = table = heap = _MAX_UINT64
        total, size, fuel, timeout = _DEFAULT_TOTAL, int(_DEFAULT_STACK), -1, stopping.NEVER
        if limits is not None:
            memory, table, heap, total, size, fuel, timeout = hooks.limits(limits)
        if not isinstance(stack, _Default):
            size = _index(stack)
            if size < 1:
                raise ValueError(f"stack must be at least 1 byte, not {size}")
            if size > 0x7FFFFFFFFFFFFFFF:
                raise OverflowError("cannot fit 'int' into an index-sized integer")
        error = ffi.new("pw_error *")
        given = ffi.new("pw_store_limits *", (size, memory, table, heap, total))
        pointer = lib.pw_store_new(given, error)
        if not pointer:
            detail = str(ffi.string(error.detail), "utf-8")
            raise (ValueError if error.code == lib.PW_LIMIT else MemoryError)(detail)
        self = object.__new__(cls)
        _open(self, pointer, timeout)
        if fuel >= 0:
            watch.fill(self, fuel)
        return self

    def __init_subclass__(cls) -> None:
        """Refuses subclasses."""
        raise TypeError("type 'pywasm3.Store' is not an acceptable base type")

    def __del__(self) -> None:
        """Frees the store."""
        if getattr(self, "_pointer", None) is not None:
            _release(self)
            _stores.pop(self._token, None)

    @property
    def closed(self) -> bool:
        """Whether the store is closed."""
        return self._pointer is None

    @property
    def running(self) -> bool:
        """Whether a thread is using the store now."""
        return not self._orphaned and lib.pw_gate_owner(self._turn) != 0

    @property
    def _address(self) -> int:
        """The address of the pw_store."""
        if self._pointer is None:
            closed()
        return int(ffi.cast("uintptr_t", self._pointer))

    @property
    def fuel(self) -> int | None:
        """How many calls and loop iterations may still run; None: fuel is not metered.

        It can be set at any time. While a call runs on another thread, reading it gives the number
        of a short time ago.
        """
        return stopping.get_fuel(self)

    @fuel.setter
    def fuel(self, value: int | None) -> None:
        stopping.set_fuel(self, value)

    @fuel.deleter
    def fuel(self) -> None:
        raise AttributeError("fuel cannot be deleted: set it to None to end its metering")

    def interrupt(self, /) -> bool:
        """Stops the running call, which raises Interrupted.

        Any thread may call this, and host functions, too. Calls that are nested in the running call
        are also stopped, and no further one begins until it has ended.

        Returns:
            Whether a call was running. It may still end by itself.
        """
        return stopping.interrupt(self, stopping.ONCE)

    def _stop(self, /) -> bool:
        """Does what interrupt() does, and stops all later calls at once, too."""
        return stopping.interrupt(self, stopping.FOR_GOOD)

    def _on_failure(self, callable: Callable[[BaseException], BaseException], /) -> None:
        """Lets callable(error) return the exception that a failed call raises instead of it."""
        require_entered(self)
        if self._failure_hook is not None:
            raise RuntimeError("the store has a callable for failures already")
        self._failure_hook = callable

    def _beside(self, /) -> Store:
        """Makes a store that has this one's limits and shares its fuel."""
        error = ffi.new("pw_error *")
        with self._lock:
            require_usable(self)
            pointer = lib.pw_store_new_beside(self._pointer, error)
            if not pointer:
                raise MemoryError(str(ffi.string(error.detail), "utf-8"))
            made = object.__new__(Store)
            _open(made, pointer, stopping.NEVER)
            if self._pool is None:
                require_entered(self)
            watch.share(self, made)
        return made

    def _begin_deadline(self, seconds: float, /) -> int:
        """Sets a deadline for this thread's calls, counted from now. Returns its id."""
        return stopping.begin_deadline(self, seconds)

    def _end_deadline(self, deadline: int, /) -> None:
        """Ends a deadline."""
        stopping.end_deadline(self, deadline)

    def _cancel(self, deadline: int, /) -> None:
        """Stops the calls within a deadline. Any thread may call this."""
        stopping.cancel(self, deadline)

    def _call_entered(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Calls function(*args) while this thread has the store. Waits for other threads."""
        depth = turn_depth(self._turn)
        try:
            enter(self)
            with pinned(self, None):  # the function may have references in its hands
                return function(*args, **kwargs)
        finally:
            leave(self, depth)

    def _call_alone(
        self, refusal: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Any:
        """Does what _call_entered does, unless this thread has the store already."""
        depth = turn_depth(self._turn)
        try:
            enter(self)
            if depth:
                refuse(refusal)
            with pinned(self, None):
                return function(*args, **kwargs)
        finally:
            leave(self, depth)

    def _watched(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Calls function(*args), which lets the engine do long work that can be stopped."""
        require_entered(self)
        return stopping.watched(self, function, *args, **kwargs)

    def _take_trapped(self, /) -> bool:
        """Tells whether a call has trapped since this was last asked."""
        trapped, self._trapped = self._trapped, False
        return trapped

    def _instantiate(
        self,
        module: int,
        externs: int,
        eager: bool,
        hosts: tuple[HostFunction, ...],
        origins: tuple[Anchor, ...],
        /,
    ) -> Anchor:
        """Makes a pw_instance, and returns its anchor. The store is entered."""
        require_entered(self)
        tenant = Tenant(hosts, origins)
        self._tokens += 1
        tenant.token = self._tokens
        error = ffi.new("pw_error *")
        instance = lib.pw_instance_new(
            self._pointer,
            ffi.cast("pw_module *", module),
            ffi.cast("pw_extern *", externs),
            bool(eager),
            ffi.cast("void *", tenant.token),
            error,
        )
        if instance:
            add_tenant(self, tenant, instance)
        overwritten(self)
        if instance and error.code == lib.PW_OK:
            return anchor_of(self, tenant)
        dropped(self)  # the tables and globals that the instance has made
        raise hooks.error(int(ffi.cast("uintptr_t", error)))

    def _anchor(self, address: int, /) -> Anchor:
        """Makes an anchor of a pw_table, pw_global or pw_tag. The store is entered."""
        require_entered(self)
        return new_anchor(self, ffi.cast("pw_object *", address))

    def _export(self, anchor: Anchor, index: int, name: str, type: Any, /) -> Function:
        """Makes the Function of an index in the instance of an anchor."""
        with self._lock:
            require_usable(self)
            instance = ffi.cast("pw_instance *", anchor._object)
            known = known_of(lib.pw_instance_func(instance, index), name, type)
        return new_function(self, known, anchor, False)

    def _host(
        self, callable: Host | None, module: int, type: int, label: str, instance: object, /
    ) -> HostFunction:
        """Makes a HostFunction. The store is entered."""
        require_entered(self)
        return new_host(self, callable, module, type, label, instance)

    def _encode(self, value: object, type: int, module: int, name: str, what: str, /) -> int:
        """Converts the value that a new place begins with to its bits. The store is entered."""
        require_entered(self)
        cells = encode_new(self, module, value, type, name, what)
        return cells[0] if len(cells) == 1 else cells[0] | cells[1] << 64

    def _decode(self, bits: int, type: int, /) -> Any:
        """Converts the bits of a reference to its object. The store is entered."""
        require_entered(self)
        return decode_any(self, [bits], 0, type)

    def close(self, /) -> None:
        """Frees every instance of the store. Does nothing if the store is closed already.

        Waits while another thread uses the store.

        Raises:
            WasmError: A call of this thread is running in the store.
        """
        if self._pointer is None:
            return
        if self._orphaned:  # nobody can use the store, so nobody needs to enter it
            _release(self)
            return
        if turn_depth(self._turn):
            refuse("cannot close a store while a call runs in it")
        try:
            entered(self, _release, self)
        except hooks.closed:
            if self._pointer is not None:
                raise

    def __enter__(self) -> Self:
        """Returns the store, which is closed when the block ends."""
        require_usable(self)
        return self

    def __exit__(self, *exc: object) -> None:
        """Closes the store."""
        self.close()

    def _settle(self) -> None:
        """Settles what an outermost call has left; the store is entered."""
        self._end_holds()
        with self._lock:
            stopping.settle(self)
        if is_due(self):
            with self._lock:
                gone = collect(self)
            del gone  # finalizers may run, and use the store

    def _end_holds(self) -> None:
        """Ends the holds of structures and arrays that are gone. This thread has the turn."""
        ended = self._ended_holds
        while ended and self._pointer is not None:
            lib.pw_reference_drop(self._pointer, ended.pop())

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Refuses to copy and to pickle a store."""
        raise TypeError(f"cannot pickle '{type(self).__module__}.{type(self).__name__}' object")


def _open(self: Store, pointer: Pointer, timeout: int) -> None:
    """Completes a new store: gives it its engine store, which is transferred."""
    turn = lib.pw_gate_new(pointer)
    if not turn:
        lib.pw_store_free(pointer)
        raise MemoryError
    self._turn, self._turn_owner = turn, Owner(turn, lib.pw_gate_free)
    self._token = int(ffi.cast("uintptr_t", turn))
    self._meter = lib.pw_store_meter_of(pointer)
    account = lib.pw_account_retain(lib.pw_store_account(pointer))
    self._account = Owner(account, lib.pw_account_release)
    self._lock = RLock()
    self._waiters, self._deadlines, self._wanted_fuel = [], {}, ()
    self._tenants, self._unheld, self._known, self._externs = {}, {}, {}, Externs()
    self._tokens = self._dropped = self._places = self._asked = 0
    self._reasons = self._interrupted = self._hook_ran = 0
    self._trapped = self._orphaned = self._cancelled = False
    self._raised = {}
    self._failure_hook = self._outer = self._inner = None
    self._pool = self._reported_fuel = self._field_names = None
    self._ended_holds = []
    self._call_deadline = self._deadline = stopping.NEVER
    self._timeout = timeout
    self._pointer = pointer
    if timeout != stopping.NEVER:
        watch.add_reason(self, watch.TIMEOUT)
    _stores[self._token] = ref(self)


def _release(self: Store) -> None:
    """Frees the engine's store and everything that the store refers to.

    The engine's store is freed first, because it refers to host functions and externrefs.
    """
    with self._lock:
        pointer, self._pointer = self._pointer, None
        lib.pw_gate_add_bits(self._turn, lib.PW_GATE_CLOSED)
        self._deadlines.clear()
        self._pool = None
        gone = [self._unheld, self._tenants, self._externs, self._known, self._outer]
        self._unheld, self._tenants, self._externs, self._known = {}, {}, Externs(), {}
        # An orphaned store is leaked: the thread that does not exist may have left it half changed.
        if not self._orphaned:
            lib.pw_store_free(pointer)
        else:
            self._outer = None
    del gone


def _after_fork() -> None:
    """Adapts all stores to the child of a fork, where other threads do not exist."""
    me = lib.pw_gate_thread()
    for each in list(_stores.values()):
        store = each()
        if store is None:
            continue
        store._lock = RLock()
        forget_others(store)
        if lib.pw_gate_owner(store._turn) not in (0, me):
            store._orphaned = True
            store._inner = None
            lib.pw_gate_orphan(store._turn)


after_fork = _after_fork
Store.__module__ = "pywasm3"
