# SPDX-License-Identifier: MIT
"""What a guest calls to bind its types, functions and classes.

The guest calls these functions while its constructors run. Types may be bound in any order. So most
types are looked up only when something of them is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .classes import Accessors, ClassInfo, Property, StaticProperty
from .converters import Bool, Float, Integer, Text, Val, View, Void, WideText
from .derived import new_class
from .enums import Enumeration, TextEnumeration
from .errors import BindingError
from .functions import Invoker
from .pointers import Pointer, SmartPointer
from .records import Record, ValueArray, ValueObject
from .registry import Constant

if TYPE_CHECKING:
    from .._program import Emscripten
    from .._signatures import Entry
    from .registry import Registry

_PURE = 5  # where a method is said to be pure virtual, behind its class and name
_TEXTS = 2  # what the values of an enumeration are for JavaScript


# ---- simple types ----


def _void(program: Emscripten, id: int, name: int) -> None:
    registry = program.registry
    registry.add_type(id, Void(registry.heap.name(name)))


def _bool(program: Emscripten, id: int, name: int, *values: int) -> None:
    registry = program.registry
    true, false = values[-2:]  # before, older versions have the size
    registry.add_type(id, Bool(registry.heap, registry.heap.name(name), true, false))


def _integer(program: Emscripten, id: int, name: int, size: int, low: int, _high: int) -> None:
    registry = program.registry
    type = Integer(registry.heap, registry.heap.name(name), size, signed=low != 0)
    registry.add_type(id, type)


def _float(program: Emscripten, id: int, name: int, size: int) -> None:
    registry = program.registry
    registry.add_type(id, Float(registry.heap, registry.heap.name(name), size))


def _text(program: Emscripten, id: int, name: int) -> None:
    registry = program.registry
    registry.add_type(id, Text(registry.heap, registry.heap.name(name)))


def _wide_text(program: Emscripten, id: int, size: int, name: int) -> None:
    registry = program.registry
    registry.add_type(id, WideText(registry.heap, registry.heap.name(name), size))


def _val(program: Emscripten, id: int, *_name: int) -> None:
    registry = program.registry
    registry.add_type(id, Val(registry.heap, registry.handles))


def _optional(program: Emscripten, id: int, _type: int) -> None:
    registry = program.registry
    registry.add_type(id, Val(registry.heap, registry.handles, optional=True), again=True)


def _view(program: Emscripten, id: int, element: int, name: int) -> None:
    registry = program.registry
    registry.add_type(id, View(registry.heap, registry.heap.name(name), element), again=True)


# ---- functions and constants ----


def _name(program: Emscripten, address: int) -> str:
    """Reads the name of a function, behind which newer guests may have names of parameters."""
    return program.registry.heap.name(address).partition("(")[0].strip()


def _invoker(registry: Registry, label: str, given: tuple[int, ...], *, hidden: int = 0) -> Invoker:
    """Returns a function that is bound by these numbers.

    They are: how many types there are and where, the signature, the function pointer of what calls
    the function, and what that gets first. Newer guests have flags behind them.
    """
    count, types, _, invoker, target, *_flags = given
    return Invoker(registry, label, registry.heap.ids(count, types), invoker, target, hidden=hidden)


def _function(program: Emscripten, name: int, *given: int) -> None:
    label = _name(program, name)
    program.registry.add_function(label, _invoker(program.registry, label, given))


def _constant(program: Emscripten, name: int, id: int, wire: float) -> None:
    registry = program.registry
    label = registry.heap.name(name)
    registry.add_name(label, Constant(registry, label, id, wire))


# ---- enumerations ----


def _enumeration(
    program: Emscripten, id: int, name: int, size: int, signed: int, values: int = 0
) -> None:
    """Binds an enumeration, whose values are numbers or, if newer versions say so, texts."""
    registry = program.registry
    label = registry.heap.name(name)
    kind = TextEnumeration if values == _TEXTS else Enumeration
    type = kind(registry, label, size, signed=signed != 0)
    registry.add_type(id, type)
    registry.add_name(label, type)


def _text_enumeration(program: Emscripten, id: int, name: int, size: int, signed: int) -> None:
    _enumeration(program, id, name, size, signed, _TEXTS)


def _enumeration_value(program: Emscripten, id: int, name: int, value: int) -> None:
    registry = program.registry
    type = registry.type_by_id(id)
    label = registry.heap.name(name)
    if not isinstance(type, Enumeration):
        raise BindingError(f"the value {label!r} is bound for a type that is no enumeration")
    type.add(label, value)


# ---- structures ----


def _value_object(program: Emscripten, id: int, name: int, *functions: int) -> None:
    _add_draft(program, id, name, ValueObject, functions)


def _value_array(program: Emscripten, id: int, name: int, *functions: int) -> None:
    _add_draft(program, id, name, ValueArray, functions)


def _add_draft(
    program: Emscripten, id: int, name: int, kind: type[Record], functions: tuple[int, ...]
) -> None:
    """Begins a type of structures, which are made and deleted by functions with signatures."""
    registry = program.registry
    label = registry.heap.name(name)
    _, constructor, _, destructor = functions
    if id in registry.drafts:
        raise BindingError(f"the type {label} is bound twice")
    registry.drafts[id] = kind(registry, label, constructor, destructor)


def _draft(program: Emscripten, id: int) -> Record:
    found = program.registry.drafts.get(id)
    if found is None:
        raise BindingError(f"a field is bound for the type {id:#x}, which is no structure")
    return found


def _field(program: Emscripten, id: int, name: int, *functions: int) -> None:
    label = program.registry.heap.name(name)
    type = _draft(program, id)
    type.add(label, _accessors(program, f"{type.name}.{label}", functions))


def _element(program: Emscripten, id: int, *functions: int) -> None:
    type = _draft(program, id)
    position = len(type.fields)
    type.add(position, _accessors(program, f"{type.name}[{position}]", functions))


def _accessors(program: Emscripten, label: str, functions: tuple[int, ...]) -> Accessors:
    """Returns the functions that get and set a value, each of which has four numbers.

    They are: the type, the signature, the function pointer, and what the function gets first.
    """
    get, _, getter, get_context, set, _, setter, set_context = functions
    return Accessors(
        program.registry, label, (get, getter, get_context), (set, setter, set_context)
    )


def _finish(program: Emscripten, id: int) -> None:
    type = _draft(program, id)
    del program.registry.drafts[id]
    program.registry.add_type(id, type)


# ---- classes ----


def _class(
    program: Emscripten,
    id: int,
    pointer: int,
    constant: int,
    base: int,
    _sig1: int,
    actual: int,
    _sig2: int,
    upcast: int,
    _sig3: int,
    downcast: int,
    name: int,
    _sig4: int,
    destructor: int,
) -> None:
    """Binds a class. Before each function pointer stands its signature, which is not needed."""
    registry = program.registry
    label = registry.heap.name(name)
    info = ClassInfo(registry, label, base, [actual, upcast, downcast, destructor])
    registry.add_class((id, pointer, constant), info)
    registry.add_name(label, info)


def _constructor(program: Emscripten, id: int, *given: int) -> None:
    info = program.registry.class_info(id, "a constructor")
    info.add_constructor(_invoker(program.registry, info.name, given))


def _method(program: Emscripten, id: int, name: int, *given: int) -> None:
    label = _name(program, name)
    info = program.registry.class_info(id, f"the method {label}")
    full = f"{info.name}.{label}"
    invoker = _invoker(program.registry, full, given, hidden=1)
    if invoker.count == 0:
        raise BindingError(f"{full} is bound without the type of its object")
    info.add_method(label, invoker, pure=given[_PURE] != 0)


def _static_function(program: Emscripten, id: int, name: int, *given: int) -> None:
    label = _name(program, name)
    info = program.registry.class_info(id, f"the static function {label}")
    full = f"{info.name}.{label}"
    info.add_function(label, _invoker(program.registry, full, given))


def _property(program: Emscripten, id: int, name: int, *functions: int) -> None:
    registry = program.registry
    label = registry.heap.name(name)
    info = registry.class_info(id, f"the property {label}")
    accessors = _accessors(program, f"{info.name}.{label}", functions)
    info.add_property(label, Property(info, accessors))


def _static_property(
    program: Emscripten,
    id: int,
    name: int,
    type: int,
    context: int,
    _sig1: int,
    getter: int,
    _sig2: int,
    setter: int,
) -> None:
    registry = program.registry
    label = registry.heap.name(name)
    info = registry.class_info(id, f"the static property {label}")
    functions = (type, 0, getter, context, type, 0, setter, context)
    accessors = _accessors(program, f"{info.name}.{label}", functions)
    info.add_static(label, StaticProperty(info, accessors))


def _iterable(program: Emscripten, id: int, _element: int, size: int, get: int) -> None:
    registry = program.registry
    names = registry.heap.name(size), registry.heap.name(get)
    registry.class_info(id, "an iteration").add_iteration(*names)


def _smart_pointer(
    program: Emscripten,
    id: int,
    pointee: int,
    name: int,
    policy: int,
    _sig1: int,
    get: int,
    _sig2: int,
    make_null: int,
    _sig3: int,
    share: int,
    _sig4: int,
    destructor: int,
) -> None:
    registry = program.registry
    functions = [get, make_null, share, destructor]
    type = SmartPointer(registry, registry.heap.name(name), pointee, policy, functions)
    registry.add_type(id, type)


def _inheriting(program: Emscripten, name: int, wrapper: int, members: int) -> int:
    registry = program.registry
    (type,) = registry.converters((wrapper,), "a derived class")
    label = registry.heap.name(name)
    if not isinstance(type, Pointer):
        raise BindingError(f"the class {label} is derived from {type.name}, which is no class")
    return registry.handles.add(new_class(label, type.info, registry.handles.value(members)))


def _bindings(program: Emscripten, _functions: int) -> None:
    """Takes what the guest itself keeps for threads that begin later."""


FUNCTIONS: list[Entry] = [
    ("_embind_register_void", _void, "ii>"),
    ("_embind_register_bool", _bool, "iiii>"),
    ("_embind_register_bool", _bool, "iiiii>"),
    ("_embind_register_integer", _integer, "iiiii>"),
    ("_embind_register_bigint", _integer, "iiill>"),
    ("_embind_register_float", _float, "iii>"),
    ("_embind_register_std_string", _text, "ii>"),
    ("_embind_register_std_wstring", _wide_text, "iii>"),
    ("_embind_register_emval", _val, "i>"),
    ("_embind_register_emval", _val, "ii>"),
    ("_embind_register_user_type", _val, "ii>"),
    ("_embind_register_optional", _optional, "ii>"),
    ("_embind_register_memory_view", _view, "iii>"),
    ("_embind_register_function", _function, "iiiiii>"),
    ("_embind_register_function", _function, "iiiiiii>"),
    ("_embind_register_function", _function, "iiiiiiii>"),
    ("_embind_register_constant", _constant, "iid>"),
    ("_embind_register_enum", _enumeration, "iiii>"),
    ("_embind_register_enum", _enumeration, "iiiii>"),
    ("_embind_register_enum_value", _enumeration_value, "iii>"),
    ("_embind_register_string_enum", _text_enumeration, "iiii>"),
    ("_embind_register_string_enum_value", _enumeration_value, "iii>"),
    ("_embind_register_value_object", _value_object, "iiiiii>"),
    ("_embind_register_value_object_field", _field, "iiiiiiiiii>"),
    ("_embind_finalize_value_object", _finish, "i>"),
    ("_embind_register_value_array", _value_array, "iiiiii>"),
    ("_embind_register_value_array_element", _element, "iiiiiiiii>"),
    ("_embind_finalize_value_array", _finish, "i>"),
    ("_embind_register_class", _class, "iiiiiiiiiiiii>"),
    ("_embind_register_class_constructor", _constructor, "iiiiii>"),
    ("_embind_register_class_function", _method, "iiiiiiii>"),
    ("_embind_register_class_function", _method, "iiiiiiiii>"),
    ("_embind_register_class_function", _method, "iiiiiiiiii>"),
    ("_embind_register_class_property", _property, "iiiiiiiiii>"),
    ("_embind_register_class_class_function", _static_function, "iiiiiii>"),
    ("_embind_register_class_class_function", _static_function, "iiiiiiii>"),
    ("_embind_register_class_class_function", _static_function, "iiiiiiiii>"),
    ("_embind_register_class_class_property", _static_property, "iiiiiiii>"),
    ("_embind_register_iterable", _iterable, "iiii>"),
    ("_embind_register_smart_ptr", _smart_pointer, "iiiiiiiiiiii>"),
    ("_embind_create_inheriting_constructor", _inheriting, "iii>i"),
    ("_embind_register_bindings", _bindings, "i>"),
]
