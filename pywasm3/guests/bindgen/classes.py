# SPDX-License-Identifier: MIT
"""Makes classes of JavaScript from what the parser read (ECMA-262, section 15.7)."""

from __future__ import annotations

from .frames import Names
from .operators import type_error
from .properties import set_property
from .values import Class, Function, Object, undefined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .frames import Code, Frame
    from .interpreter import Compiler
    from .reader import Node


def class_code(compiler: Compiler, node: Node, names: Names) -> Code:
    """Compiles a class."""
    _, name, parent, members = node
    inner = Names(names, is_function=False)
    own, above = inner.declare(name or "%class"), inner.declare("%parent")
    find_parent = compiler.expression(parent, names) if parent else None
    constructor: Code | None = None
    compiled: list[tuple[bool, str, Code, Code]] = []
    for _, static, kind, key, value in members:
        if kind == "method" and not static and key == ("constant", "constructor"):
            constructor = compiler.expression(value, inner)
        else:
            code = _field(compiler, value, inner) if kind == "field" else None
            code = code or compiler.expression(value, inner)
            compiled.append((static, kind, compiler.expression(key, inner), code))
    realm = compiler.realm

    def make(frame: Frame) -> Class:
        local = [frame, undefined, undefined]
        base = find_parent(frame) if find_parent else None
        if base is not None and not isinstance(base, Class):
            raise type_error("Class extends value is not a constructor")
        local[above] = base
        initialize = constructor(local) if constructor else None
        class_ = new_class(realm.budget, name, base, initialize)
        local[own] = class_
        fields: list[tuple[Any, Function]] = []
        for static, kind, key, value in compiled:
            _add_member(realm, class_, fields, (static, kind, key(local), value(local)))
        if fields:
            _with_fields(realm, class_, fields)
        return class_

    return make


def _field(compiler: Compiler, value: Node, names: Names) -> Code:
    """Compiles the value of a field as a function, because `this` is each object then."""
    return compiler.expression(("function", "", [], [("return", value)], False, False), names)


def _add_member(realm: Any, class_: Class, fields: list[Any], member: tuple[Any, ...]) -> None:
    static, kind, key, value = member
    if kind == "field" and not static:
        fields.append((key, value))
    elif kind == "field":
        set_property(realm, class_, key, value.invoke(class_, []))
    elif static:
        if kind != "method":
            raise type_error("static accessors are not known")
        class_.properties[key] = value
    else:
        places = {"method": class_.methods, "get": class_.getters, "set": class_.setters}
        places[kind][key] = value


def _with_fields(realm: Any, class_: Class, fields: list[tuple[Any, Function]]) -> None:
    before = class_.initialize

    def initialize(this: Any, arguments: list[Any]) -> Any:
        for key, value in fields:
            set_property(realm, this, key, value.invoke(this, []))
        return before(this, arguments)

    class_.initialize = initialize


def new_class(budget: Any, name: str, parent: Class | None, constructor: Function | None) -> Class:
    """Makes a class.

    Args:
        budget: What its objects are charged to.
        name: The name.
        parent: The class that it is derived from.
        constructor: The constructor. None: that of the parent.
    """

    def construct(arguments: list[Any]) -> Any:
        this = Object(budget, class_)
        returned = class_.initialize(this, arguments)
        return returned if isinstance(returned, Object) else this

    def initialize(this: Any, arguments: list[Any]) -> Any:
        if constructor is not None:
            return constructor.invoke(this, arguments)
        return parent.initialize(this, arguments) if parent is not None else undefined

    class_ = Class(budget, name, construct)
    class_.initialize = initialize
    class_.parent = parent
    return class_
