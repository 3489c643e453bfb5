# SPDX-License-Identifier: MIT
"""A guest that AssemblyScript compiled: objects go in and out of its functions."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager

from ..._errors import WasmError
from ..._ffi import Function
from ..._host import host as host_decorator
from ..._instance import Instance
from ..._load import read_source
from ..._module import Module
from ..._text import brief_repr, counted, meant
from ..._types import ValType
from .imports import provide
from .objects import (
    ARRAY_BUFFER,
    STRING,
    Array,
    ObjectError,
    Objects,
    Other,
    StaticArray,
    TypedArray,
    typed_array,
    unsigned,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeAlias

    from typing_extensions import Self

    from ..._aliases import Imports, Missing, Source
    from ..._cpython import Store
    from ..._global import Global
    from ..._limits import Limits
    from ..._memory import Memory
    from ...wasi import WasiConfig

    # What a parameter or a result is: str, bytes, list or array for an object that is read as one
    # of that class, object for any object, bool for a number that is 0 or 1, None for a number.
    Kind: TypeAlias = type | None

_RUNTIME = ("__new", "__pin", "__unpin")
_LOWERED = (str, bytes, bytearray, Array, StaticArray, TypedArray)


class Reference:
    """An object of the guest that has no counterpart in Python, such as one of a class of its own.

    It can be an argument of the guest's functions. The guest's garbage collector keeps the object
    until ``release`` is called, or ``with`` ends.

    Attributes:
        address: The address of the object.
        class_id: The number of its class, which ``idof<T>()`` gives in the guest.
    """

    __slots__ = ("_guest", "address", "class_id")

    def __init__(self, guest: Guest, address: int, class_id: int) -> None:
        self._guest: Guest | None = guest
        self.address = address
        self.class_id = class_id
        guest.pin(address)

    def __index__(self) -> int:
        """Returns the address.

        Raises:
            ValueError: The reference was released.
        """
        if self._guest is None:
            raise ValueError(f"the reference to the object at {self.address} was released")
        return self.address

    def release(self) -> None:
        """Lets the guest's garbage collector free the object. Releasing again does nothing."""
        guest, self._guest = self._guest, None
        if guest is not None:
            guest.unpin(self.address)

    def __enter__(self) -> Self:
        """Returns the reference."""
        return self

    def __exit__(self, *_: object) -> None:
        """Releases the reference."""
        self.release()

    def __repr__(self) -> str:
        """Returns the class and the address."""
        return (
            f"<pywasm3.guests.assemblyscript.Reference to class {self.class_id} at {self.address}>"
        )


class Guest:
    """An instance of a module that AssemblyScript compiled with ``--exportRuntime``.

    ``load`` makes one together with its instance.
    """

    __slots__ = ("__weakref__", "_instance", "_max_bytes", "_objects", "_pins")

    def __init__(self, instance: Instance[Any] | None, *, max_bytes: int = 1 << 24) -> None:
        """Takes the instance.

        Args:
            instance: The instance. None: the first host function that the guest calls sets it.
            max_bytes: How many bytes are read at most for one object with all that it refers to, so
                that a hostile guest cannot make the host copy gigabytes.
        """
        self._instance = instance
        self._objects: Objects | None = None
        self._pins: dict[int, int] = {}
        self._max_bytes = max_bytes

    @property
    def instance(self) -> Instance[Any]:
        """The instance."""
        assert self._instance is not None, "the guest was not instantiated"
        return self._instance

    @property
    def memory(self) -> Memory:
        """The memory of the guest."""
        return self.objects.memory

    @property
    def objects(self) -> Objects:
        """What reads the objects in the memory."""
        if self._objects is None:
            table: Global | None = self.instance.exports.get("__rtti_base", None)
            value = getattr(table, "value", None)
            rtti = unsigned(value) if isinstance(value, int) else None
            self._objects = Objects(self.instance.memory, rtti, self._max_bytes)
        return self._objects

    # ---- objects out ----

    def read(self, address: int) -> Any:
        """Returns an object of the guest as an object of Python.

        A String becomes a str, an ArrayBuffer bytes, a typed array an ``array.array``, an Array or
        a StaticArray a list, and null None. An object of another class becomes a Reference.

        Args:
            address: The address, which may be the negative i32 as which it arrives.

        Raises:
            ObjectError: No object can be there, or it is larger than `max_bytes`.
        """
        return self.objects.read(address, self._other)

    def _other(self, found: Other) -> Reference:
        return Reference(self, found.address, found.class_id)

    def read_string(self, address: int) -> str | None:
        """Returns the String at an address; None for null. It needs no exported runtime.

        Raises:
            ObjectError: There is no string, or it is larger than `max_bytes`.
        """
        return self.objects.string(address)

    def lift(self, value: int, kind: Kind) -> Any:
        """Returns what a number of the guest means.

        Args:
            value: The number.
            kind: None: the number itself. bool: whether it is not 0. str, bytes, list or
                ``array.array``: an object that ``read`` returns as one of that class, or None for
                null. object: any object.

        Raises:
            ObjectError: The object is not of the class.
        """
        if kind is None:
            return value
        if kind is bool:
            return value != 0
        found = self.read(value)
        if found is not None and not isinstance(found, kind):
            if isinstance(found, Reference):
                found.release()
            raise ObjectError(
                f"the object at address {unsigned(value)} is read as {type(found).__name__}, not "
                f"as {kind.__name__}"
            )
        return found

    # ---- objects in ----

    def new(self, value: Any) -> int:
        """Makes an object of the guest, and returns its address.

        The guest's garbage collector may free the object in the next call of a function of the
        guest: ``pin`` prevents that. Functions that ``wrap`` returns do this by themselves.

        Args:
            value: A str becomes a String, bytes or a bytearray an ArrayBuffer, another object with
                the buffer protocol (an ``array.array``, an array of numpy) a typed array. Array,
                StaticArray and TypedArray say what they become. None becomes null, which is 0.

        Raises:
            ObjectError: The guest has no such class, or its function ``__new`` returned an address
                that cannot be right.
            TypeError: The value is of another type.
            WasmError: The guest does not export its runtime.
            Trap: The guest has not enough memory.
        """
        if value is None:
            return 0
        if isinstance(value, str):
            return self._allocate(value.encode("utf-16-le", "surrogatepass"), STRING)
        if isinstance(value, (bytes, bytearray)):
            return self._allocate(bytes(value), ARRAY_BUFFER)
        if not isinstance(value, (Array, StaticArray, TypedArray)):
            made = typed_array(value)
            if made is None:
                raise TypeError(f"an object of type {type(value).__name__} has no counterpart")
            value = made
        return self._new_items(value)

    def _new_items(self, items: Array | StaticArray | TypedArray) -> int:
        """Makes an array of the guest: first its items, then its buffer, and then itself.

        What is made is pinned until the array refers to it, because the guest's garbage collector
        may run at each allocation.
        """
        class_id = self.objects.class_for(items)
        pinned: list[int] = []
        failed = True
        try:
            if items.type == "object":
                addresses = []
                for item in items.values:
                    addresses.append(self.new(item))
                    if addresses[-1]:
                        pinned.append(self.pin(addresses[-1]))
                data = b"".join([address.to_bytes(4, "little") for address in addresses])
                count = len(addresses)
            else:
                data, size = items.packed(), items.item_size
                count = len(data) // size
            if isinstance(items, StaticArray):
                made = self._allocate(data, class_id)
                failed = False
                return made
            buffer = self._allocate(data, ARRAY_BUFFER)
            pinned.append(self.pin(buffer))
            fields = [buffer, buffer, len(data)]
            if isinstance(items, Array):
                fields.append(count)
            header = b"".join([field.to_bytes(4, "little") for field in fields])
            made = self._allocate(header, class_id)
            failed = False
            return made
        finally:
            self._unpin_all(pinned, failed=failed)

    def _allocate(self, data: bytes, class_id: int) -> int:
        """Makes an object with these bytes."""
        address = unsigned(self._runtime("__new")(len(data), class_id))
        found = self.objects.header(address)
        if found != (class_id, len(data)):
            raise ObjectError(
                f"the guest was asked for an object of class {class_id} with "
                f"{counted(len(data), 'byte')}, "
                f"but the one at {address} is of class {found[0]} and has {found[1]}"
            )
        self.memory.write(address, data)
        return address

    def _runtime(self, name: str) -> Function:
        function = self.instance.exports.get(name, None)
        if not isinstance(function, Function):
            raise WasmError(
                f"the guest does not export {name}: compile it with --exportRuntime, so that the "
                "host can make objects"
            )
        return function

    # ---- the garbage collector ----

    def pin(self, address: int) -> int:
        """Keeps an object from the guest's garbage collector, and returns its address.

        An object that is pinned several times must be unpinned as often.
        """
        address = unsigned(address)
        count = self._pins.get(address, 0)
        if not count:
            self._runtime("__pin")(address)
        self._pins[address] = count + 1
        return address

    def unpin(self, address: int) -> None:
        """Ends the effect of a call of ``pin``.

        Raises:
            ValueError: The object is not pinned.
        """
        address = unsigned(address)
        count = self._pins.get(address, 0)
        if not count:
            raise ValueError(f"the object at address {address} is not pinned")
        if count > 1:
            self._pins[address] = count - 1
            return
        del self._pins[address]
        self._runtime("__unpin")(address)

    @contextmanager
    def pinned(self, value: Any) -> Iterator[int]:
        """Makes an object of the guest that stays until the context ends, which gets its address.

        Args:
            value: What ``new`` takes, or the address of an object.
        """
        address = self.pin(value if isinstance(value, int) else self.new(value))
        try:
            yield address
        finally:
            self.unpin(address)

    def collect(self) -> None:
        """Runs the guest's garbage collector; does nothing if the guest has none."""
        function = self.instance.exports.get("__collect", None)
        if isinstance(function, Function):
            function()

    # ---- calls ----

    def wrap(self, function: str | Function, *, returns: Kind = None) -> Callable[..., Any]:
        """Returns a callable that calls a function of the guest with objects of Python.

        Arguments that ``new`` turns into objects are made, and kept until the function has
        returned or raised. None is null. Numbers are passed as they are. Parameters with default
        values can be left out.

        Args:
            function: The function, or the name of its export.
            returns: What the function returns, as for ``lift``.

        Returns:
            The callable. Besides what the function raises, it raises what ``new`` and ``lift``
            raise, and TypeError for a wrong number of arguments.

        Raises:
            WasmError: There is no such export, or it is not a function.
        """
        called = self._exported(function) if isinstance(function, str) else function
        integers = [type_ is ValType.I32 for type_ in called.type.params]
        set_length = self.instance.exports.get("__setArgumentsLength", None)

        def call(*arguments: Any) -> Any:
            pinned: list[int] = []
            failed = True
            try:
                given = [
                    self._lower(argument, pinned) if is_integer else argument
                    for argument, is_integer in zip(arguments, integers, strict=False)
                ]
                given += arguments[len(given) :]
                if isinstance(set_length, Function):
                    set_length(len(given))
                    given += [0] * (len(integers) - len(given))
                result = self.lift(called(*given), returns)
                failed = False
            finally:
                self._unpin_all(pinned, failed=failed)
            return result

        return call

    def _exported(self, name: str) -> Function:
        found = self.instance.exports.get(name, None)
        if not isinstance(found, Function):
            hint = meant(name, self.instance.exports)
            raise WasmError(f"the guest does not export a function named {brief_repr(name)}{hint}")
        return found

    def _lower(self, value: Any, pinned: list[int]) -> Any:
        """Returns the number that a function gets for an argument."""
        if value is None:
            return 0
        if not isinstance(value, _LOWERED):
            made = typed_array(value)
            if made is None:
                return value
            value = made
        address = self.new(value)
        pinned.append(self.pin(address))
        return address

    def _unpin_all(self, addresses: list[int], *, failed: bool) -> None:
        first: Exception | None = None
        for address in reversed(addresses):
            try:
                self.unpin(address)
            except Exception as error:
                first = first or error
        if first is not None and not failed:
            raise first

    def __repr__(self) -> str:
        """Returns the instance."""
        return f"<pywasm3.guests.assemblyscript.Guest: {self._instance!r}>"


# ---- loading ----


class _Host:
    """A host function with the kinds of its parameters and its result."""

    __slots__ = ("function", "params", "returns")

    def __init__(
        self, function: Callable[..., Any], params: tuple[Kind, ...], returns: Kind
    ) -> None:
        self.function = function
        self.params = params
        self.returns = returns

    def __call__(self, *arguments: Any) -> Any:
        """Calls the function as it is, for the host's own use."""
        return self.function(*arguments)

    def bound(self, guest: Guest) -> Callable[..., Any]:
        """Returns the host function that the guest calls."""
        kinds = self.params

        @host_decorator(pass_instance=True)
        def call(instance: Instance, *arguments: Any) -> Any:
            guest._instance = instance
            given = [
                guest.lift(argument, kind) for argument, kind in zip(arguments, kinds, strict=False)
            ]
            result = self.function(*given, *arguments[len(given) :])
            return result if self.returns is None else guest.new(result)

        return call


def host(*params: Kind, returns: Kind = None) -> Callable[[Callable[..., Any]], _Host]:
    """Decorates a function that is given as an import and takes or returns objects.

    ``load(..., imports={"index": {"say": host(str)(print)}})`` prints the strings that the guest
    passes to its function ``say``.

    Args:
        params: What each parameter is, as for ``Guest.lift``: None for a number, str for a String.
            Further parameters are numbers.
        returns: None if the function returns a number or nothing; otherwise, the guest gets the
            object that ``Guest.new`` makes of the result.
    """
    return lambda function: _Host(function, params, returns)


def load(
    source: Source | Module,
    imports: Imports | None = None,
    *,
    wasi: WasiConfig | None = None,
    limits: Limits | None = None,
    store: Store | None = None,
    missing: Missing = "error",
    max_bytes: int = 1 << 24,
) -> Guest:
    """Reads and instantiates a module that AssemblyScript compiled, and gives it its imports.

    These imports from ``env`` are provided, unless `imports` has them: ``abort``, ``trace``,
    ``seed``, ``Date.now``, ``performance.now``, ``crypto.getRandomValuesN``, ``process.exit``, the
    functions of ``console``, and the functions and constants of ``Math``.

    Args:
        source: What ``pywasm3.load`` takes, or a Module.
        imports: Other imports, as for ``pywasm3.load``. What ``host`` returns can be a function.
        wasi: Where ``console`` and ``trace`` write, and where time and random numbers come from.
            None: the output is dropped, and the system gives time and random numbers.
        limits: The limits of the store that is made for the instance.
        store: The store that the instance lives in. None: a new one.
        missing: What happens if there is no value for an import, as for ``pywasm3.load``.
        max_bytes: How many bytes are read at most for one object, as for ``Guest``.

    Raises:
        Abort: The code that runs at the start called ``abort``.
        OSError, ModuleError, LinkError, Trap, TypeError, ValueError: The same as from
            ``pywasm3.load``.
    """
    from ...wasi import WasiConfig

    guest = Guest(None, max_bytes=max_bytes)
    given = _bound(imports, guest)
    config = WasiConfig() if wasi is None else wasi
    options: dict[str, Any] = {"wasi": config, "store": store, "limits": limits, "missing": missing}
    module = source if isinstance(source, Module) else Module(read_source(source))
    provide(module, given, guest)
    guest._instance = Instance(module, given, **options)
    return guest


def _bound(imports: Imports | None, guest: Guest) -> dict[Any, Any]:
    """Returns the imports of the user with host functions that know the guest."""

    def bind(value: Any) -> Any:
        if isinstance(value, _Host):
            return value.bound(guest)
        if isinstance(value, Mapping):
            return {name: bind(inner) for name, inner in value.items()}
        return value

    if imports is not None and not isinstance(imports, Mapping):
        raise TypeError(f"imports must be a mapping, not {type(imports).__name__}")
    return {name: bind(value) for name, value in (imports or {}).items()}
