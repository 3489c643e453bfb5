# SPDX-License-Identifier: MIT
"""Runs the JavaScript that `parser` read: each node becomes a Python function of a frame."""

from __future__ import annotations

from .frames import Names, declared, hoisted
from .lexer import GlueError
from .operators import BINARY, to_number, to_text, truthy, type_of
from .parser import Later, Parser
from .properties import (
    call,
    construct,
    delete_property,
    get_property,
    has_property,
    instance_of,
    set_property,
    values_of,
)
from .reader import bound_names
from .statements import Statements
from .values import BigInt, Function, JsError, Object, undefined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .frames import Code, Frame
    from .reader import Node
    from .realm import Realm
    from .values import Invoke


class Compiler(Statements):
    """Turns nodes into Python functions.

    Attributes:
        realm: The objects that the program can reach.
        replaced: Maps names of functions of the program to what runs in their place. It gets the
            compiler and the names around the function, and returns an Invoke for a frame.
    """

    def __init__(self, realm: Realm, replaced: dict[str, Any]) -> None:
        self.realm = realm
        self.replaced = replaced

    # ---- expressions ----

    def expression(self, node: Node, names: Names, name: str = "") -> Code:
        """Compiles an expression.

        Args:
            node: The expression.
            names: The names around it.
            name: What a function without a name is called.
        """
        if node[0] in ("function", "class") and not node[1] and name:
            node = (node[0], name, *node[2:])
        code: Code = getattr(self, "_" + node[0].replace("-", "_"))(node, names)
        return code

    def _constant(self, node: Node, names: Names) -> Code:
        value = node[1]
        return lambda frame: value

    def _constant_undefined(self, node: Node, names: Names) -> Code:
        return lambda frame: undefined

    def _bigint(self, node: Node, names: Names) -> Code:
        value = BigInt(node[1])
        return lambda frame: value

    def _regex(self, node: Node, names: Names) -> Code:
        def run(frame: Frame) -> Any:
            raise GlueError(f"regular expressions are not known: {node[1]}")

        return run

    def _name(self, node: Node, names: Names) -> Code:
        name = node[1]
        found = names.find(name)
        if found is None:
            return self._global(name)
        depth, place = found
        if depth == 0:
            return lambda frame: frame[place]
        if depth == 1:
            return lambda frame: frame[0][place]
        if depth == 2:
            return lambda frame: frame[0][0][place]

        def get(frame: Frame) -> Any:
            for _ in range(depth):
                frame = frame[0]
            return frame[place]

        return get

    def _global(self, name: str) -> Code:
        objects = self.realm.globals

        def get(frame: Frame) -> Any:
            try:
                return objects[name]
            except KeyError:
                raise JsError("ReferenceError", f"{name} is not defined") from None

        return (lambda frame: undefined) if name in ("undefined", "this") else get

    def _template(self, node: Node, names: Names) -> Code:
        texts, parts = node[1], [self.expression(e, names) for e in node[2]]
        realm = self.realm

        def run(frame: Frame) -> str:
            pieces = [texts[0]]
            for part, after in zip(parts, texts[1:], strict=True):
                pieces += (to_text(part(frame)), after)
            return realm.text("".join(pieces))

        return run

    def _items(self, nodes: list[Node], names: Names) -> Callable[[Frame], list[Any]]:
        codes = tuple([self.expression(n[1] if n[0] == "spread" else n, names) for n in nodes])
        spread = [n[0] == "spread" for n in nodes]
        realm = self.realm
        if not any(spread):
            return lambda frame: [code(frame) for code in codes]

        def run(frame: Frame) -> list[Any]:
            items: list[Any] = []
            for code, is_spread in zip(codes, spread, strict=True):
                if is_spread:
                    items += values_of(realm, code(frame))
                else:
                    items.append(code(frame))
            return items

        return run

    def _array(self, node: Node, names: Names) -> Code:
        items = self._items(node[1], names)
        return lambda frame: self.realm.array(items(frame))

    def _object(self, node: Node, names: Names) -> Code:
        realm = self.realm
        steps: list[Callable[[Frame, Object], None]] = []
        for entry in node[1]:
            steps.append(self._entry(entry, names))

        def run(frame: Frame) -> Object:
            made = realm.object()
            for step in steps:
                step(frame, made)
            return made

        return run

    def _entry(self, entry: Node, names: Names) -> Callable[[Frame, Object], None]:
        realm = self.realm
        if entry[0] == "spread":
            source = self.expression(entry[1], names)

            def spread(frame: Frame, made: Object) -> None:
                given = source(frame)
                for key in realm.keys_of(given):
                    set_property(realm, made, key, get_property(realm, given, key))

            return spread
        if entry[0] != "pair":
            raise GlueError("accessors in objects are not known")
        key = self.expression(entry[1], names)
        label = str(entry[1][1]) if entry[1][0] == "constant" else ""
        value = self.expression(entry[2], names, label)
        return lambda frame, made: set_property(realm, made, key(frame), value(frame))

    def _function(self, node: Node, names: Names) -> Code:
        name, is_arrow = node[1], node[4]
        realm = self.realm
        if name in self.replaced:
            replace = self.replaced[name](self, names)
            return lambda frame: Function(realm.budget, replace(frame), name)
        if is_arrow:
            compiled = self.body(node, names)
            return lambda frame: Function(realm.budget, compiled(frame), name)
        # Most functions of a glue are never called; this one is compiled when it is first called.
        ready: list[Callable[[Frame], Invoke]] = []

        def make(frame: Frame) -> Function:
            invokes: list[Invoke] = []

            def invoke(this: Any, arguments: list[Any]) -> Any:
                if not invokes:
                    if not ready:
                        ready.append(self.body(node, names))
                    invokes.append(ready[0](frame))
                return invokes[0](this, arguments)

            return Function(realm.budget, invoke, name)

        return make

    def body(self, node: Node, names: Names) -> Callable[[Frame], Invoke]:
        """Compiles the parameters and the body of a function."""
        parameters, body, is_arrow, is_async = node[2:]
        body = body.statements() if isinstance(body, Later) else body
        realm = self.realm
        inner = Names(names, is_function=not is_arrow)
        place_of_this = 0 if is_arrow else inner.declare("this")
        for bound in [b for p in parameters for b in bound_names(p)] + hoisted(body):
            inner.declare(bound)
        for bound in declared(body):
            inner.declare(bound)
        stores = [self.store(p, inner) for p in parameters if p[0] != "rest"]
        rest = self.store(parameters[-1][1], inner) if len(stores) < len(parameters) else None
        code = self.statements(body, inner)
        places, plain = inner.places, all(p[0] == "name" for p in parameters)
        first = place_of_this + 1
        plain = plain and [places[p[1]] for p in parameters] == [*range(first, first + len(stores))]

        def make(frame: Frame) -> Invoke:
            def invoke(this: Any, arguments: list[Any]) -> Any:
                blank = [undefined] * len(places)
                local = [frame, *blank]
                if place_of_this:
                    local[place_of_this] = this
                if inner.uses_arguments:
                    local[places["arguments"]] = realm.array(list(arguments))
                if plain:
                    given = arguments[: len(stores)]
                    local[first : first + len(given)] = given
                else:
                    for i, store in enumerate(stores):
                        store(local, arguments[i] if i < len(arguments) else undefined)
                    if rest is not None:
                        rest(local, realm.array(arguments[len(stores) :]))
                ended = code(local)
                return ended[1] if ended is not None else undefined

            return realm.as_async(invoke) if is_async else invoke

        return make

    def _class(self, node: Node, names: Names) -> Code:
        from .classes import class_code

        return class_code(self, node, names)

    def _super(self, node: Node, names: Names) -> Code:
        arguments = self._items(node[1], names)
        this, parent = (self.expression(("name", n), names) for n in ("this", "%parent"))

        def run(frame: Frame) -> Any:
            parent(frame).initialize(this(frame), arguments(frame))
            return undefined

        return run

    def _unary(self, node: Node, names: Names) -> Code:
        _, operator, operand = node
        if operator == "typeof" and operand[0] == "name" and names.find(operand[1]) is None:
            objects = self.realm.globals
            return lambda frame: type_of(objects.get(operand[1], undefined))
        if operator == "delete":
            if operand[0] != "property":
                raise GlueError("delete of something that is not a property is not known")
            owner, key = self.expression(operand[1], names), self.expression(operand[2], names)
            return lambda frame: delete_property(self.realm, owner(frame), key(frame))
        value = self.expression(operand, names)
        if operator == "!":
            return lambda frame: not truthy(value(frame))
        apply = _UNARY[operator]
        return lambda frame: apply(value(frame))

    def _update(self, node: Node, names: Names) -> Code:
        _, operator, before, target = node
        get, store = self.expression(target, names), self.store(target, names)
        step = 1 if operator == "++" else -1

        def run(frame: Frame) -> Any:
            old = to_number(get(frame))
            store(frame, old + step)
            return old + step if before else old

        return run

    def _binary(self, node: Node, names: Names) -> Code:
        _, operator, left, right = node
        a, b = self.expression(left, names), self.expression(right, names)
        realm = self.realm
        if operator == "instanceof":
            return lambda frame: instance_of(a(frame), b(frame))
        if operator == "in":
            return lambda frame: has_property(realm, a(frame), b(frame))
        apply = BINARY[operator]
        if operator == "+":

            def plus(frame: Frame) -> Any:
                result = apply(a(frame), b(frame))
                return realm.text(result) if type(result) is str else result

            return plus
        return lambda frame: apply(a(frame), b(frame))

    def _logical(self, node: Node, names: Names) -> Code:
        _, operator, left, right = node
        a, b = self.expression(left, names), self.expression(right, names)
        goes_on = _GOES_ON[operator]

        def run(frame: Frame) -> Any:
            value = a(frame)
            return b(frame) if goes_on(value) else value

        return run

    def _assign(self, node: Node, names: Names) -> Code:
        _, operator, target, value = node
        store = self.store(target, names)
        give = self.expression(value, names, self._name_for(target))
        if operator == "=":

            def assign(frame: Frame) -> Any:
                result = give(frame)
                store(frame, result)
                return result

            # JavaScript evaluates the owner of a property before the value.
            return self._assign_property(target, give, names) if target[0] == "property" else assign
        get = self.expression(target, names)
        goes_on = _GOES_ON.get(operator[:-1])
        apply = BINARY.get(operator[:-1])
        realm = self.realm

        def update(frame: Frame) -> Any:
            result = get(frame)
            if goes_on is not None:
                if not goes_on(result):
                    return result
                result = give(frame)
            elif apply is not None:
                result = apply(result, give(frame))
                result = realm.text(result) if type(result) is str else result
            store(frame, result)
            return result

        return update

    def _assign_property(self, target: Node, give: Code, names: Names) -> Code:
        owner, key = self.expression(target[1], names), self.expression(target[2], names)
        realm = self.realm

        def assign(frame: Frame) -> Any:
            holder, name = owner(frame), key(frame)
            result = give(frame)
            set_property(realm, holder, name, result)
            return result

        return assign

    def _if_else(self, node: Node, names: Names) -> Code:
        test, then, other = (self.expression(n, names) for n in node[1:])
        return lambda frame: then(frame) if truthy(test(frame)) else other(frame)

    def _sequence(self, node: Node, names: Names) -> Code:
        codes = [self.expression(n, names) for n in node[1]]

        def run(frame: Frame) -> Any:
            value: Any = undefined
            for code in codes:
                value = code(frame)
            return value

        return run

    def _await(self, node: Node, names: Names) -> Code:
        value = self.expression(node[1], names)
        return lambda frame: self.realm.settled(value(frame))

    def _chain(self, node: Node, names: Names) -> Code:
        code = self.expression(node[1], names)

        def run(frame: Frame) -> Any:
            try:
                return code(frame)
            except _EmptyChain:
                return undefined

        return run

    def _property(self, node: Node, names: Names) -> Code:
        owner, key, optional = self.expression(node[1], names), node[2], node[3]
        realm = self.realm
        name = self.expression(key, names)
        if optional:

            def get(frame: Frame) -> Any:
                value = owner(frame)
                if value is None or value is undefined:
                    raise _EmptyChain
                return get_property(realm, value, name(frame))

            return get
        if key[0] == "constant":
            constant = key[1]
            return lambda frame: get_property(realm, owner(frame), constant)
        return lambda frame: get_property(realm, owner(frame), name(frame))

    def _call(self, node: Node, names: Names) -> Code:
        _, callee, given, optional = node
        arguments = self._items(given, names)
        realm = self.realm
        label = str(callee[1]) if callee[0] == "name" else ""
        if callee[0] == "property":
            owner, key = self.expression(callee[1], names), self.expression(callee[2], names)
            skips = callee[3]

            def call_method(frame: Frame) -> Any:
                this = owner(frame)
                if skips and (this is None or this is undefined):
                    raise _EmptyChain
                name = key(frame)
                function = get_property(realm, this, name)
                if optional and (function is None or function is undefined):
                    raise _EmptyChain
                if type(function) is Function:
                    return function.invoke(this, arguments(frame))
                return call(function, this, arguments(frame), name)

            return call_method
        get = self.expression(callee, names)

        def run(frame: Frame) -> Any:
            function = get(frame)
            if optional and (function is None or function is undefined):
                raise _EmptyChain
            return call(function, undefined, arguments(frame), label)

        return run

    def _new(self, node: Node, names: Names) -> Code:
        class_, arguments = self.expression(node[1], names), self._items(node[2], names)
        label = str(node[1][1])
        return lambda frame: construct(class_(frame), arguments(frame), label)


class _EmptyChain(BaseException):
    """Ends an expression with `?.`, whose value is undefined then."""


def _negative(value: Any) -> Any:
    if isinstance(value, BigInt):
        return BigInt(-int(value))
    number = to_number(value)
    return -0.0 if number == 0 and type(number) is int else -number


_UNARY: dict[str, Callable[[Any], Any]] = {
    "-": _negative,
    "+": to_number,
    "~": lambda value: BINARY["^"](value, -1),
    "typeof": type_of,
    "void": lambda value: undefined,
}
_GOES_ON: dict[str, Callable[[Any], bool]] = {
    "&&": truthy,
    "||": lambda value: not truthy(value),
    "??": lambda value: value is None or value is undefined,
}


def run_program(realm: Realm, source: str, replaced: dict[str, Any]) -> None:
    """Runs the statements of a program, whose exports are those of the realm afterwards.

    Raises:
        GlueError: The program has something that is not known.
    """
    names = Names(None, is_function=True)
    try:
        nodes = Parser(source).program()
        for name in hoisted(nodes) + declared(nodes):
            names.declare(name)
        code = Compiler(realm, replaced).statements(nodes, names)
    except RecursionError:
        raise GlueError("statements or expressions are nested too deeply") from None
    frame: Frame = [None, *([undefined] * len(names.places))]
    realm.top = names.places, frame
    code(frame)
