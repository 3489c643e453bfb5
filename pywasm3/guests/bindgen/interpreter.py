# SPDX-License-Identifier: MIT
"""Runs the JavaScript that `parser` read: each node becomes a Python function of a frame.

A frame is a list: the frame around it, and then the values of the names that a function or a block
declares. Which frame and which place a name has is known before anything runs. A statement returns
None, or a tuple if it ends the statements around it: ("break",), ("continue",) or
("return", value).
"""

from __future__ import annotations

from functools import partial

from .lexer import GlueError
from .operators import BINARY, strictly_equal, to_number, to_text, truthy, type_of
from .parser import Later, Parser, bound_names, names_of
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
from .values import BigInt, Function, JsError, Object, undefined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from .parser import Node
    from .realm import Realm
    from .values import Invoke

    Frame: TypeAlias = list[Any]
    Code: TypeAlias = Callable[[Frame], Any]
    Store: TypeAlias = Callable[[Frame, Any], None]


class Names:
    """The names that a function or a block declares.

    Attributes:
        places: Maps each name to its place in the frame.
        around: The names around these.
        uses_arguments: Whether a function declares `arguments`.
    """

    __slots__ = ("around", "is_function", "places", "uses_arguments")

    def __init__(self, around: Names | None, is_function: bool) -> None:
        self.around = around
        self.is_function = is_function
        self.places: dict[str, int] = {}
        self.uses_arguments = False

    def declare(self, name: str) -> int:
        """Returns the place of a name, which is new unless it was declared before."""
        return self.places.setdefault(name, len(self.places) + 1)

    def find(self, name: str) -> tuple[int, int] | None:
        """Returns how many frames away a name is, and its place there."""
        names: Names | None = self
        depth = 0
        while names is not None:
            if name == "arguments" and names.is_function and names.around is not None:
                names.uses_arguments = True
                return depth, names.declare(name)
            place = names.places.get(name)
            if place is not None:
                return depth, place
            names = names.around
            depth += 1
        return None


def thrown_value(error: BaseException) -> Any:
    """Returns what a `catch` gets of an exception."""
    return getattr(error, "raw", error)


def hoisted(statements: list[Node]) -> list[str]:
    """Returns the names that `var` declares in statements and in the blocks within them."""
    names: list[str] = []
    for node in statements:
        kind = node[0]
        if kind == "declare" and node[1] == "var":
            names += names_of(node)
        elif kind == "block":
            names += hoisted(node[1])
        elif kind == "if":
            names += hoisted([n for n in node[2:] if n])
        elif kind in ("for", "for-each"):
            names += hoisted([n for n in (node[1], node[2], node[-1]) if isinstance(n, tuple)])
        elif kind == "try":
            names += hoisted([*node[1], *(node[3] or ()), *(node[4] or ())])
        elif kind == "switch":
            names += hoisted([inner for _, body in node[2] for inner in body])
        elif kind == "export" and node[1]:
            names += hoisted([node[1]])
    return names


def declared(statements: list[Node]) -> list[str]:
    """Returns the names that statements declare for the block in which they stand."""
    return [
        name for node in statements if node[:2] != ("declare", "var") for name in names_of(node)
    ]


class Compiler:
    """Turns nodes into Python functions.

    Attributes:
        realm: The objects that the program can reach.
        replaced: Maps names of functions of the program to what runs in their place. It gets the
            compiler and the names around the function, and returns an Invoke for a frame.
    """

    def __init__(self, realm: Realm, replaced: dict[str, Any]) -> None:
        self.realm = realm
        self.replaced = replaced

    # ---- statements ----

    def statements(self, nodes: list[Node], names: Names) -> Code:
        """Compiles statements whose names are declared already; functions come first."""
        early = [node for node in nodes if self._is_function(node)]
        ordered = early + [node for node in nodes if not self._is_function(node)]
        codes = tuple([self.statement(node, names) for node in ordered])

        def run(frame: Frame) -> Any:
            for code in codes:
                ended = code(frame)
                if ended is not None:
                    return ended
            return None

        return codes[0] if len(codes) == 1 else run

    @staticmethod
    def _is_function(node: Node) -> bool:
        return bool(node[0] == "export" and node[1] and node[1][0] == "function") or (
            node[0] == "function"
        )

    def statement(self, node: Node, names: Names) -> Code:
        """Compiles a statement."""
        code: Code = getattr(self, "_statement_" + node[0].replace("-", "_"))(node, names)
        return code

    def block(self, nodes: list[Node], names: Names, bound: list[str] | None = None) -> Code:
        """Compiles statements with a frame of their own, if they declare names."""
        local = declared(nodes) + (bound or [])
        if not local:
            return self.statements(nodes, names)
        inner = Names(names, is_function=False)
        for name in local:
            inner.declare(name)
        body = self.statements(nodes, inner)
        blank = [undefined] * len(inner.places)
        return lambda frame: body([frame, *blank])

    def _statement_block(self, node: Node, names: Names) -> Code:
        return self.block(node[1], names)

    def _statement_expression(self, node: Node, names: Names) -> Code:
        value = self.expression(node[1], names)

        def run(frame: Frame) -> None:
            value(frame)

        return run

    def _statement_declare(self, node: Node, names: Names) -> Code:
        steps = []
        for target, value in node[2]:
            if value is None and node[1] == "var":
                continue
            get = self.expression(value or ("constant-undefined",), names, self._name_for(target))
            steps.append((self.store(target, names), get))

        def run(frame: Frame) -> None:
            for store, get in steps:
                store(frame, get(frame))

        return run

    @staticmethod
    def _name_for(target: Node) -> str:
        return str(target[1]) if target[0] == "name" else ""

    def _statement_function(self, node: Node, names: Names) -> Code:
        store = self.store(("name", node[1][1]), names)
        make = self.expression(node[1], names)
        return lambda frame: store(frame, make(frame))

    _statement_class = _statement_function

    def _statement_if(self, node: Node, names: Names) -> Code:
        test = self.expression(node[1], names)
        then = self.statement(node[2], names)
        other = self.statement(node[3], names) if node[3] else None

        def run(frame: Frame) -> Any:
            if truthy(test(frame)):
                return then(frame)
            return other(frame) if other else None

        return run

    def _statement_for(self, node: Node, names: Names) -> Code:
        inner = Names(names, is_function=False)
        for name in declared([node[1]]) if node[1] else []:
            inner.declare(name)
        start = self.statement(node[1], inner) if node[1] else None
        test = self.expression(node[2], inner) if node[2] else None
        step = self.expression(node[3], inner) if node[3] else None
        body = self.statement(node[4], inner)
        size = len(inner.places)
        checkpoint = self.realm.checkpoint

        def run(frame: Frame) -> Any:
            frame = [frame, *([undefined] * size)]
            if start is not None:
                start(frame)
            while test is None or truthy(test(frame)):
                checkpoint()
                ended = body(frame)
                if ended is not None and ended[0] != "continue":
                    return None if ended[0] == "break" else ended
                if step is not None:
                    step(frame)
            return None

        return run

    def _statement_for_each(self, node: Node, names: Names) -> Code:
        kind, target, values = node[1], node[3], self.expression(node[4], names)
        inner = Names(names, is_function=False)
        if node[2] != "var":
            for name in bound_names(target):
                inner.declare(name)
        store = self.store(target, inner)
        body = self.statement(node[5], inner)
        size = len(inner.places)
        realm = self.realm

        def run(frame: Frame) -> Any:
            given = values(frame)
            for value in realm.keys_of(given) if kind == "in" else values_of(realm, given):
                realm.checkpoint()
                local = [frame, *([undefined] * size)]
                store(local, value)
                ended = body(local)
                if ended is not None and ended[0] != "continue":
                    return None if ended[0] == "break" else ended
            return None

        return run

    def _statement_break(self, node: Node, names: Names) -> Code:
        return lambda frame: node

    _statement_continue = _statement_break

    def _statement_return(self, node: Node, names: Names) -> Code:
        value = self.expression(node[1] or ("constant-undefined",), names)
        return lambda frame: ("return", value(frame))

    def _statement_throw(self, node: Node, names: Names) -> Code:
        value = self.expression(node[1], names)
        realm = self.realm

        def run(frame: Frame) -> Any:
            raise realm.to_exception(value(frame))

        return run

    def _statement_try(self, node: Node, names: Names) -> Code:
        _, body, caught, handler, last = node
        run_body = self.block(body, names)
        run_last = self.block(last, names) if last is not None else None
        run_handler = self._handler(caught, handler, names) if handler is not None else None
        catchable = self.realm.catchable

        def attempt(frame: Frame) -> Any:
            try:
                return run_body(frame)
            except Exception as error:
                if run_handler is None or not catchable(error):
                    raise
                return run_handler(frame, thrown_value(error))

        def run(frame: Frame) -> Any:
            try:
                ended = attempt(frame)
            except Exception as error:
                try:
                    ended = run_last(frame) if run_last else None
                except Exception as second:
                    if catchable(second):
                        raise
                    ended = None  # a trap or a limit again: the first one counts
                if ended is None or not catchable(error):
                    raise
                return ended
            return (run_last(frame) if run_last else None) or ended

        return attempt if run_last is None else run

    def _handler(self, caught: Node | None, body: list[Node], names: Names) -> Callable[..., Any]:
        inner = Names(names, is_function=False)
        for name in (bound_names(caught) if caught else []) + declared(body):
            inner.declare(name)
        store = self.store(caught, inner) if caught else None
        code = self.statements(body, inner)
        size = len(inner.places)

        def run(frame: Frame, error: Any) -> Any:
            local = [frame, *([undefined] * size)]
            if store is not None:
                store(local, error)
            return code(local)

        return run

    def _statement_switch(self, node: Node, names: Names) -> Code:
        value = self.expression(node[1], names)
        inner = Names(names, is_function=False)
        for name in declared([n for _, body in node[2] for n in body]):
            inner.declare(name)
        cases = [
            (self.expression(test, inner) if test else None, self.statements(body, inner))
            for test, body in node[2]
        ]
        size = len(inner.places)

        def run(frame: Frame) -> Any:
            given = value(frame)
            local = [frame, *([undefined] * size)]
            chosen = [
                i for i, (t, _) in enumerate(cases) if t and strictly_equal(given, t(local))
            ] or [i for i, (t, _) in enumerate(cases) if t is None]
            for _, body in cases[chosen[0] :] if chosen else ():
                ended = body(local)
                if ended is not None:
                    return None if ended[0] == "break" else ended
            return None

        return run

    def _statement_import(self, node: Node, names: Names) -> Code:
        steps = [(self.store(("name", local), names), name) for local, name in node[2]]
        realm, source = self.realm, node[1]

        def run(frame: Frame) -> None:
            for store, name in steps:
                imported = realm.imported(source)
                value = imported if name == "*" else get_property(realm, imported, name)
                store(frame, value)

        return run

    def _statement_export(self, node: Node, names: Names) -> Code:
        run = self.statement(node[1], names) if node[1] else None
        getters = [(name, self.expression(("name", local), names)) for local, name in node[2]]
        exported = self.realm.exported

        def export(frame: Frame) -> Any:
            for name, get in getters:
                exported[name] = partial(get, frame)
            return run(frame) if run else None

        return export

    def _statement_export_default(self, node: Node, names: Names) -> Code:
        get = self.expression(node[1], names)
        return lambda frame: self.realm.exported.update(default=lambda: get(frame))

    # ---- storing ----

    def store(self, target: Node, names: Names) -> Store:
        """Compiles an assignment to a name, a property or a pattern."""
        store: Store = getattr(self, "_store_" + target[0].replace("-", "_"))(target, names)
        return store

    def _store_name(self, target: Node, names: Names) -> Store:
        found = names.find(target[1])
        if found is None:
            objects = self.realm.globals
            return lambda frame, value: objects.__setitem__(target[1], value)
        depth, place = found

        def store(frame: Frame, value: Any) -> None:
            for _ in range(depth):
                frame = frame[0]
            frame[place] = value

        return store

    def _store_property(self, target: Node, names: Names) -> Store:
        owner, key = self.expression(target[1], names), self.expression(target[2], names)
        realm = self.realm
        return lambda frame, value: set_property(realm, owner(frame), key(frame), value)

    def _store_default(self, target: Node, names: Names) -> Store:
        store = self.store(target[1], names)
        default = self.expression(target[2], names)
        return lambda frame, value: store(frame, default(frame) if value is undefined else value)

    def _store_constant_undefined(self, target: Node, names: Names) -> Store:
        return lambda frame, value: None

    def _store_array_pattern(self, target: Node, names: Names) -> Store:
        rest = target[1][-1] if target[1] and target[1][-1][0] == "rest" else None
        stores = [self.store(item, names) for item in target[1] if item is not rest]
        store_rest = self.store(rest[1], names) if rest else None
        realm = self.realm

        def store(frame: Frame, value: Any) -> None:
            values = list(values_of(realm, value))
            for i, one in enumerate(stores):
                one(frame, values[i] if i < len(values) else undefined)
            if store_rest:
                store_rest(frame, realm.array(values[len(stores) :]))

        return store

    def _store_object_pattern(self, target: Node, names: Names) -> Store:
        pairs = [(self.expression(k, names), self.store(t, names)) for k, t in target[1]]
        realm = self.realm

        def store(frame: Frame, value: Any) -> None:
            for key, one in pairs:
                one(frame, get_property(realm, value, key(frame)))

        return store

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
