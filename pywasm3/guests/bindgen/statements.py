# SPDX-License-Identifier: MIT
"""Turns statements, and what assigns to names and patterns, into Python functions of a frame.

A statement returns None, or a tuple if it ends the statements around it: ("break",), ("continue",)
or ("return", value).
"""

from __future__ import annotations

from functools import partial

from .frames import Names, declared
from .operators import strictly_equal, truthy
from .properties import get_property, set_property, values_of
from .reader import bound_names
from .values import undefined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .frames import Code, Frame, Store
    from .reader import Node
    from .realm import Realm


class Statements:
    """The part of the compiler that knows statements.

    Attributes:
        realm: The objects that the program can reach.
    """

    realm: Realm

    def expression(self, node: Node, names: Names, name: str = "") -> Code:
        """Compiles an expression."""
        raise NotImplementedError

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
        catchable, thrown_value = self.realm.catchable, self.realm.thrown_value

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
