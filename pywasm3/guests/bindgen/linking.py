# SPDX-License-Identifier: MIT
"""Connects a module with the JavaScript that was generated for it."""

from __future__ import annotations

from ..._ffi import Function as WasmFunction
from ..._instance import Instance
from ..._memory import Memory
from ..._module import Module
from ..._table import Table
from ..._types import FuncType, ImportType
from .._javascript import utf8
from .convert import to_js
from .entrance import Entrance
from .interpreter import run_program
from .lexer import GlueError
from .natives import namespace
from .operators import to_bigint, to_int32, to_number, to_uint32, type_error
from .properties import call, get_property
from .standard import decoded
from .values import Array, BigInt, Buffer, Class, Function, Object, TypedArray, undefined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ..._limits import Limits
    from .frames import Frame, Names
    from .interpreter import Compiler
    from .realm import Realm


class Linked(Entrance):
    """A module that is linked with its JavaScript.

    Attributes:
        module: The module.
    """

    def __init__(self, realm: Realm, module: Module, limits: Limits | None) -> None:
        super().__init__(realm)
        self.module = module
        self._limits = limits
        self._wrapped: dict[int, tuple[Any, Any]] = {}

    # ---- the module as JavaScript has it ----

    def instantiate(self, imports: Callable[[ImportType], Any]) -> Object:
        """Makes the instance, and returns the object that has its exports.

        Args:
            imports: Returns what the JavaScript has for an import.

        Raises:
            LinkError: Imports are missing.
            JsError: The JavaScript makes a second instance.
        """
        if self.instance is not None:
            raise type_error("the glue makes a second instance, which is not known")
        given: dict[tuple[str, str], Any] = {}
        for wanted in self.module.imports:
            value = imports(wanted)
            if isinstance(wanted.type, FuncType) and isinstance(value, Function):
                given[wanted.module, wanted.name] = self._imported(wanted.type, value)
            elif isinstance(value, (Memory, Table)):
                given[wanted.module, wanted.name] = value
        self.instance = Instance(self.module, given, limits=self._limits)
        return self.exports()

    def exports(self) -> Object:
        """Returns the object that has the exports of the instance."""
        assert self.instance is not None
        names = {name: self.wrap(value) for name, value in self.instance.exports.items()}
        return self.realm.object(names)

    def wrap(self, value: Any) -> Any:
        """Returns what is exported as JavaScript has it."""
        known = self._wrapped.get(id(value))
        if known is not None:
            return known[1]
        made: Any
        if isinstance(value, WasmFunction):
            made = self._exported(value)
        elif isinstance(value, Memory):
            made = _memory(self.realm, value)
        elif isinstance(value, Table):
            made = self._table(value)
        else:
            return value
        self._wrapped[id(value)] = value, made
        return made

    def _imported(self, type_: FuncType, function: Function) -> Callable[..., Any]:
        """Returns what the guest calls for a function of JavaScript."""
        invoke = function.invoke
        into = [_TO_JS.get(str(p)) for p in type_.params]
        out = [_TO_WASM.get(str(r), _reference) for r in type_.results]
        convert = out[0] if len(out) == 1 else None

        def run(*arguments: Any) -> Any:
            given = [f(a) if f else a for f, a in zip(into, arguments, strict=True)]
            result = invoke(undefined, given)
            if convert is not None:
                return convert(result)
            if not out:
                return None
            if not isinstance(result, Array) or len(result.items) != len(out):
                raise type_error("the function must return one value for each result")
            return tuple(f(value) for f, value in zip(out, result.items, strict=True))

        return run

    def _exported(self, function: WasmFunction) -> Function:
        """Returns the function of JavaScript for one of the guest."""
        into = [_TO_WASM.get(str(p), _reference) for p in function.type.params]
        out = [_TO_JS.get(str(r)) for r in function.type.results]
        count, array = len(into), self.realm.array

        def invoke(this: Any, arguments: list[Any]) -> Any:
            if len(arguments) != count:
                arguments = (arguments + [undefined] * count)[:count]
            result = function(*[f(a) for f, a in zip(into, arguments, strict=True)])
            if not out:
                return undefined
            if len(out) == 1:
                return out[0](result) if out[0] else result
            return array([f(r) if f else r for f, r in zip(out, result, strict=True)])

        return Function(self.realm.budget, invoke, function.__name__)

    def _table(self, table: Table) -> Object:
        """Returns the object of JavaScript for a table."""
        is_func = str(table.type.type) == "funcref"

        def at(index: Any) -> int:
            place = to_uint32(index)
            if place >= len(table):
                raise type_error(f"the table has no element {place}")
            return place

        def get(realm: Realm, this: Any, index: Any) -> Any:
            element = table[at(index)]
            return self.wrap(element) if is_func and element is not None else element

        def put(realm: Realm, this: Any, index: Any, value: Any) -> Any:
            if is_func and value is not None:
                raise type_error("only null can be set in a table of functions")
            table[at(index)] = value
            return undefined

        def grow(realm: Realm, this: Any, count: Any, value: Any) -> int:
            return table.grow(to_uint32(count), None if is_func else value)

        made = namespace(self.realm, {"get": get, "set": put, "grow": grow})
        made.class_ = _with_getter(self.realm, "Table", "length", lambda: len(table))
        return made


def _with_getter(realm: Realm, name: str, key: str, get: Callable[[], Any]) -> Class:
    """Returns a class whose objects have a property that is computed."""

    def refuse(arguments: list[Any]) -> Any:
        raise type_error(f"WebAssembly.{name} cannot be made by the glue")

    class_ = Class(realm.budget, name, refuse)
    class_.getters[key] = realm.native(lambda realm, this: get(), key)
    return class_


def _memory(realm: Realm, memory: Memory) -> Object:
    """Returns the object of JavaScript for a memory, whose buffer changes when it grows."""
    present: list[Buffer] = [Buffer(realm.budget, memory)]

    def buffer() -> Buffer:
        if present[0].detached:
            present[0] = Buffer(realm.budget, memory)
        return present[0]

    return Object(realm.budget, _with_getter(realm, "Memory", "buffer", buffer))


def _reference(value: Any) -> Any:
    return value


def _i32_result(value: Any) -> int:
    return value if type(value) is int and -0x80000000 <= value < 0x80000000 else to_int32(value)


def _f64_result(value: Any) -> float:
    return value if type(value) is float else float(to_number(value))


def _i64_result(value: Any) -> int:
    number = int(to_bigint(value)) & 0xFFFFFFFFFFFFFFFF
    return number - (1 << 64) if number >> 63 else number


_TO_WASM: dict[str, Callable[[Any], Any]] = {
    "i32": _i32_result,
    "i64": _i64_result,
    "f32": _f64_result,
    "f64": _f64_result,
}
_TO_JS: dict[str, Callable[[Any], Any]] = {"i64": BigInt}


# ---- functions of the glue that run as Python, because they are slow otherwise ----


def _pass_text(compiler: Compiler, names: Names) -> Callable[[Frame], Any]:
    """Replaces passStringToWasm0(text, malloc, realloc)."""
    size = compiler.store(("name", "WASM_VECTOR_LEN"), names)
    get_memory = compiler.expression(
        ("property", ("name", "wasm"), ("constant", "memory"), False), names
    )
    realm = compiler.realm

    def make(frame: Frame) -> Any:
        def invoke(this: Any, arguments: list[Any]) -> Any:
            text = arguments[0]
            if not isinstance(text, str):
                raise type_error("expected a string argument")
            data = utf8(text)
            place = to_uint32(call(arguments[1], undefined, [len(data), 1]))
            buffer = get_property(realm, get_memory(frame), "buffer")
            TypedArray("Uint8Array", buffer, place, len(data)).view[:] = data
            size(frame, len(data))
            return place

        return invoke

    return make


def _get_text(compiler: Compiler, names: Names) -> Callable[[Frame], Any]:
    """Replaces getStringFromWasm0(pointer, length)."""
    get_memory = compiler.expression(
        ("property", ("name", "wasm"), ("constant", "memory"), False), names
    )
    realm = compiler.realm

    def make(frame: Frame) -> Any:
        def invoke(this: Any, arguments: list[Any]) -> Any:
            place, count = to_uint32(arguments[0]), to_uint32(arguments[1])
            buffer = get_property(realm, get_memory(frame), "buffer")
            return decoded(realm, TypedArray("Uint8Array", buffer, place, count).view)

        return invoke

    return make


def _debug_text(compiler: Compiler, names: Names) -> Callable[[Frame], Any]:
    """Replaces debugString(value), which uses regular expressions."""
    realm = compiler.realm

    def invoke(this: Any, arguments: list[Any]) -> Any:
        from .debug import debug_text

        return realm.text(debug_text(realm, arguments[0]))

    return lambda frame: invoke


REPLACED: dict[str, Any] = {
    "passStringToWasm0": _pass_text,
    "getStringFromWasm0": _get_text,
    "debugString": _debug_text,
}


# ---- the kinds of glue ----


def start(
    linked: Linked, glue: str, extra: Mapping[str, Any]
) -> tuple[Callable[[str], Any], list[str]]:
    """Runs the JavaScript and makes the instance, whatever `--target` of wasm-bindgen it is for.

    Returns:
        What returns an export of the JavaScript by its name, or raises KeyError; and the names.

    Raises:
        GlueError: The JavaScript has something that is not known.
    """
    realm = linked.realm
    module_object, wasm_object = realm.object(), realm.object()
    exports = realm.object()
    module_object.properties["exports"] = exports
    realm.globals.update(module=module_object, exports=exports)
    realm.globals.update({"__dirname": "", "require": realm.native(_require, "require")})
    realm.globals["WebAssembly"] = _web_assembly(linked)
    realm.globals.update({name: to_js(linked, value) for name, value in extra.items()})
    realm.imported = lambda source: wasm_object if source.endswith(".wasm") else _other(source)
    run_program(realm, glue, REPLACED)
    places, frame = realm.top

    def top(name: str) -> Any:
        return frame[places[name]] if name in places else undefined

    if linked.instance is None:
        if isinstance(top("__wbg_get_imports"), Function):
            _start_for_web(linked, top)
        else:
            _start_for_bundler(linked, wasm_object)

    def exported(name: str) -> Any:
        if name in realm.exported:
            return realm.exported[name]()
        holder = module_object.properties["exports"]
        if not isinstance(holder, Object) or name not in holder.properties:
            raise KeyError(name)
        return get_property(realm, holder, name)

    return exported, [*realm.exported, *realm.keys_of(module_object.properties["exports"])]


def _other(source: str) -> Any:
    raise GlueError(f"the glue imports {source!r}, which is not known")


def _require(realm: Realm, this: Any, source: Any) -> Any:
    """Returns what `require` gives: the modules of Node that load the module."""
    if source in ("util", "node:util"):
        return realm.global_object()
    path = {"join": lambda realm, this, *parts: "guest.wasm"}
    if source in ("path", "node:path"):
        return namespace(realm, path)
    if source in ("fs", "node:fs"):
        return namespace(realm, {"readFileSync": lambda realm, this: realm.object()})
    return _other(str(source))


def _web_assembly(linked: Linked) -> Object:
    realm = linked.realm

    def instantiate(arguments: list[Any]) -> Object:
        given = arguments[1] if len(arguments) > 1 else undefined

        def imports(wanted: ImportType) -> Any:
            group = get_property(realm, given, wanted.module)
            return undefined if group is undefined else get_property(realm, group, wanted.name)

        return realm.object({"exports": linked.instantiate(imports)})

    module = Class(realm.budget, "Module", lambda arguments: realm.object())
    instance = Class(realm.budget, "Instance", instantiate)
    return realm.object({"Module": module, "Instance": instance})


def _start_for_web(linked: Linked, top: Callable[[str], Any]) -> None:
    """Starts glue for `--target web`, which has functions for each step."""
    realm = linked.realm
    imports = call(top("__wbg_get_imports"), undefined, [])

    def find(wanted: ImportType) -> Any:
        group = get_property(realm, imports, wanted.module)
        return undefined if group is undefined else get_property(realm, group, wanted.name)

    instance = realm.object({"exports": linked.instantiate(find)})
    call(top("__wbg_finalize_init"), undefined, [instance, realm.object()])


def _start_for_bundler(linked: Linked, wasm_object: Object) -> None:
    """Starts glue for `--target bundler`, whose exports are the imports of the module."""
    realm = linked.realm
    if not linked.realm.exported:
        raise GlueError(
            "this is not the JavaScript that wasm-bindgen generates for a module, or it is minified"
        )

    def find(wanted: ImportType) -> Any:
        get = realm.exported.get(wanted.name)
        return get() if get is not None else undefined

    wasm = linked.instantiate(find)
    wasm_object.properties.update(wasm.properties)
    if "__wbg_set_wasm" in realm.exported:
        call(realm.exported["__wbg_set_wasm"](), undefined, [wasm])
    if "__wbindgen_start" in wasm.properties:
        call(wasm.properties["__wbindgen_start"], undefined, [])
