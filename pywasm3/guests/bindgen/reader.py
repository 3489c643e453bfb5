# SPDX-License-Identifier: MIT
"""Reads expressions, functions and classes of JavaScript (ECMA-262, chapters 13 and 15)."""

from __future__ import annotations

from .lexer import GlueError, tokens

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from .lexer import Token

    Node: TypeAlias = tuple[Any, ...]


# How strongly the operators with two operands bind.
_BINARY = {"??": 1, "||": 2, "&&": 3, "|": 4, "^": 5, "&": 6}
_BINARY |= dict.fromkeys(("==", "!=", "===", "!=="), 7)
_BINARY |= dict.fromkeys(("<", ">", "<=", ">=", "instanceof", "in"), 8)
_BINARY |= dict.fromkeys(("<<", ">>", ">>>"), 9)
_BINARY |= {"+": 10, "-": 10, "*": 11, "/": 11, "%": 11, "**": 12}
_ASSIGN = frozenset(
    (
        "=",
        "+=",
        "-=",
        "*=",
        "/=",
        "%=",
        "**=",
        "<<=",
        ">>=",
        ">>>=",
        "&=",
        "|=",
        "^=",
        "&&=",
        "||=",
        "??=",
    )
)
_UNARY = frozenset(("!", "~", "+", "-", "typeof", "void", "delete"))


class Reader:
    """The part of the parser that knows expressions, functions and classes."""

    def __init__(self, source: str) -> None:
        self.tokens = tokens(source)
        self.at = 0

    # ---- tokens ----

    @property
    def token(self) -> Token:
        """The next token."""
        return self.tokens[self.at]

    def is_(self, *values: str) -> bool:
        """Returns whether the next token is one of some punctuators or names."""
        token = self.token
        return token.kind in ("punctuator", "name") and token.value in values

    def take(self, *values: str) -> bool:
        """Skips the next token if it is one of some, and returns whether it was."""
        found = self.is_(*values)
        self.at += found
        return found

    def expect(self, value: str) -> None:
        """Skips a punctuator or a name that must be there."""
        if not self.take(value):
            raise self.error(f"expected {value!r}, but there is {self.token.value!r}")

    def error(self, message: str) -> GlueError:
        """Returns an error at the next token."""
        return GlueError(message, self.token.line)

    def name(self) -> str:
        """Reads a name."""
        token = self.token
        if token.kind != "name":
            raise self.error(f"expected a name, but there is {token.value!r}")
        self.at += 1
        return str(token.value)

    def follows(self, offset: int, value: str) -> bool:
        """Returns whether a later token is a punctuator or a name."""
        token = self.tokens[min(self.at + offset, len(self.tokens) - 1)]
        return token.kind in ("punctuator", "name") and token.value == value

    def end_of_statement(self) -> None:
        """Skips a semicolon, which can be left out before a brace or on the end of a line."""
        if not self.take(";") and not self.is_("}") and not self.token.newline:
            raise self.error(f"expected ';', but there is {self.token.value!r}")

    # ---- what the parser of statements has ----

    def block(self) -> list[Node]:
        """Reads statements between braces."""
        raise NotImplementedError

    def later(self) -> Any:
        """Skips a block, which is read when its function is first called."""
        raise NotImplementedError

    # ---- functions and classes ----

    def function(self) -> Node:
        """Reads a function that begins with `function` or `async function`."""
        is_async = self.take("async")
        self.expect("function")
        if self.take("*"):
            raise self.error("generators are not known")
        name = self.name() if self.token.kind == "name" else ""
        return self.rest_of_function(name, is_async)

    def rest_of_function(self, name: str, is_async: bool) -> Node:
        """Reads parameters and body of a function that is not an arrow function."""
        parameters = self.parameters()
        return ("function", name, parameters, self.later(), False, is_async)

    def parameters(self) -> list[Node]:
        """Reads parameters between parentheses."""
        self.expect("(")
        parameters: list[Node] = []
        while not self.take(")"):
            if self.take("..."):
                parameters.append(("rest", self.pattern()))
            else:
                target = self.pattern()
                default = self.assignment() if self.take("=") else None
                parameters.append(target if default is None else ("default", target, default))
            self.take(",")
        return parameters

    def arrow(self, is_async: bool) -> Node:
        """Reads an arrow function."""
        if self.token.kind == "name":
            parameters: list[Node] = [("name", self.name())]
        else:
            parameters = self.parameters()
        self.expect("=>")
        body = self.block() if self.is_("{") else [("return", self.assignment())]
        return ("function", "", parameters, body, True, is_async)

    def begins_arrow(self) -> bool:
        """Returns whether an arrow function comes."""
        if self.token.kind == "name":
            return self.follows(1, "=>")
        if not self.is_("("):
            return False
        after = self.tokens[self.token.partner + 1]
        return after.kind == "punctuator" and after.value == "=>"

    def class_(self) -> Node:
        """Reads a class."""
        self.expect("class")
        name = self.name() if self.token.kind == "name" and not self.is_("extends") else ""
        parent = self.unary() if self.take("extends") else None
        self.expect("{")
        members = []
        while not self.take("}"):
            if not self.take(";"):
                members.append(self.member())
        return ("class", name, parent, members)

    def member(self) -> Node:
        """Reads a method, an accessor or a field of a class or of an object."""
        static = self.is_("static") and not self.follows(1, "(") and self.take("static")
        is_async = self.is_("async") and not self.follows(1, "(") and self.take("async")
        kind = "method"
        if self.is_("get", "set") and not any(self.follows(1, v) for v in "(,:=;}"):
            kind = self.name()
        key = self.key()
        if self.is_("("):
            name = key[1] if key[0] == "constant" else ""
            return ("member", static, kind, key, self.rest_of_function(str(name), is_async))
        value = self.assignment() if self.take("=") else ("constant-undefined",)
        self.end_of_statement()
        return ("member", static, "field", key, value)

    def key(self) -> Node:
        """Reads the name of a property, which may be computed."""
        token = self.token
        self.at += 1
        if token.kind in ("name", "string", "number"):
            return ("constant", str(token.value))
        if token.kind == "punctuator" and token.value == "[":
            computed = self.assignment()
            self.expect("]")
            return computed
        raise GlueError(f"expected the name of a property, not {token.value!r}", token.line)

    # ---- patterns ----

    def pattern(self) -> Node:
        """Reads what a declaration or a parameter binds."""
        if self.is_("{", "["):
            return self.as_pattern(self.primary())
        return ("name", self.name())

    def as_pattern(self, node: Node) -> Node:
        """Returns the pattern that a literal stands for where something is assigned to it."""
        if node[0] in ("name", "property", "constant-undefined"):
            return node
        if node[0] == "assign" and node[1] == "=":
            return ("default", self.as_pattern(node[2]), node[3])
        if node[0] == "spread":
            return ("rest", self.as_pattern(node[1]))
        if node[0] == "array":
            return ("array-pattern", [item and self.as_pattern(item) for item in node[1]])
        if node[0] == "object":
            pairs = []
            for entry in node[1]:
                if entry[0] != "pair":
                    raise self.error("this pattern is not known")
                pairs.append((entry[1], self.as_pattern(entry[2])))
            return ("object-pattern", pairs)
        raise self.error("this cannot be assigned to")

    # ---- expressions ----

    def expression(self) -> Node:
        """Reads an expression, with commas."""
        first = self.assignment()
        if not self.is_(","):
            return first
        parts = [first]
        while self.take(","):
            parts.append(self.assignment())
        return ("sequence", parts)

    def assignment(self) -> Node:
        """Reads an expression without commas."""
        if self.is_("async") and not self.follows(1, "=>") and not self.tokens[self.at + 1].newline:
            self.at += 1
            if self.begins_arrow():
                return self.arrow(is_async=True)
            self.at -= 1
        if self.begins_arrow():
            return self.arrow(is_async=False)
        left = self.conditional()
        token = self.token
        if token.kind == "punctuator" and token.value in _ASSIGN:
            self.at += 1
            target = self.as_pattern(left) if token.value == "=" else left
            if target[0] not in ("name", "property", "array-pattern", "object-pattern"):
                raise self.error("this cannot be assigned to")
            return ("assign", token.value, target, self.assignment())
        return left

    def conditional(self) -> Node:
        """Reads an expression with `? :`."""
        test = self.binary(0)
        if not self.take("?"):
            return test
        then = self.assignment()
        self.expect(":")
        return ("if-else", test, then, self.assignment())

    def binary(self, least: int) -> Node:
        """Reads operators with two operands that bind more strongly than a number says."""
        left = self.unary()
        while True:
            token = self.token
            power = _BINARY.get(token.value, 0) if token.kind in ("punctuator", "name") else 0
            if power <= least:
                return left
            self.at += 1
            right = self.binary(power - 1 if token.value == "**" else power)
            kind = "logical" if power <= 3 else "binary"
            left = (kind, token.value, left, right)

    def unary(self) -> Node:
        """Reads an operator before its operand."""
        token = self.token
        if token.kind in ("punctuator", "name"):
            if token.value in _UNARY:
                self.at += 1
                return ("unary", token.value, self.unary())
            if token.value in ("++", "--"):
                self.at += 1
                return ("update", token.value, True, self.unary())
            if token.value == "await":
                self.at += 1
                return ("await", self.unary())
        operand = self.postfix(self.primary())
        if self.is_("++", "--") and not self.token.newline:
            self.at += 1
            return ("update", self.tokens[self.at - 1].value, False, operand)
        return operand

    def postfix(self, node: Node) -> Node:
        """Reads calls and accesses of properties."""
        chain = False
        while True:
            optional = self.take("?.")
            chain = chain or optional
            if self.take("["):
                node = ("property", node, self.expression(), optional)
                self.expect("]")
            elif self.is_("("):
                node = ("call", node, self.arguments(), optional)
            elif self.token.kind == "template":
                node = self.raw_template(node)
            elif optional or self.take("."):
                node = ("property", node, ("constant", self.name()), optional)
            else:
                return ("chain", node) if chain else node

    def raw_template(self, function: Node) -> Node:
        """Reads a template behind String.raw, which is the only function that glue puts there."""
        texts, expressions = self.token.value
        if function != ("property", ("name", "String"), ("constant", "raw"), False) or expressions:
            raise self.error("templates behind functions are not known")
        self.at += 1
        return ("constant", texts[0])

    def arguments(self) -> list[Node]:
        """Reads arguments between parentheses."""
        self.expect("(")
        return self.items(")")

    def items(self, end: str) -> list[Node]:
        """Reads expressions with commas between them; one that is left out is undefined."""
        items: list[Node] = []
        while not self.take(end):
            if self.take(","):
                items.append(("constant-undefined",))
                continue
            if self.take("..."):
                items.append(("spread", self.assignment()))
            else:
                items.append(self.assignment())
            if not self.is_(end):
                self.expect(",")
        return items

    def primary(self) -> Node:
        """Reads an operand."""
        token = self.token
        kind, value = token.kind, token.value
        if kind in ("number", "string"):
            self.at += 1
            return ("constant", value)
        if kind in ("bigint", "regex"):
            self.at += 1
            return (kind, value)
        if kind == "template":
            self.at += 1
            expressions = [type(self)(source).whole() for source in value[1]]
            return ("template", value[0], expressions)
        if kind == "punctuator":
            return self._bracketed()
        if kind == "name":
            return self._named(value)
        raise self.error(f"expected an expression, but there is {value!r}")

    def whole(self) -> Node:
        """Reads an expression, after which nothing comes."""
        node = self.expression()
        if self.token.kind != "end":
            raise self.error(f"{self.token.value!r} is not expected")
        return node

    def _bracketed(self) -> Node:
        if self.take("("):
            node = self.expression()
            self.expect(")")
            return node
        if self.take("["):
            return ("array", self.items("]"))
        if self.take("{"):
            return self._object()
        raise self.error(f"expected an expression, but there is {self.token.value!r}")

    def _object(self) -> Node:
        entries: list[Node] = []
        while not self.take("}"):
            if self.take("..."):
                entries.append(("spread", self.assignment()))
            else:
                entries.append(self._entry())
            if not self.is_("}"):
                self.expect(",")
        return ("object", entries)

    def _entry(self) -> Node:
        is_accessor = self.is_("get", "set", "async") and not any(
            self.follows(1, value) for value in "(,:=}"
        )
        if is_accessor:
            return self.member()
        key = self.key()
        if self.take(":"):
            return ("pair", key, self.assignment())
        if self.is_("("):
            return ("pair", key, self.rest_of_function(str(key[-1]), False))
        name: Node = ("name", key[1])
        if self.take("="):  # only in patterns
            return ("pair", key, ("assign", "=", name, self.assignment()))
        return ("pair", key, name)

    def _named(self, value: str) -> Node:
        if value == "function" or (value == "async" and self.follows(1, "function")):
            return self.function()
        if value == "class":
            return self.class_()
        self.at += 1
        if value == "new":
            return self._new()
        if value in ("true", "false"):
            return ("constant", value == "true")
        if value == "null":
            return ("constant", None)
        if value == "super":
            if self.is_("("):
                return ("super", self.arguments())
            raise self.error("super.name is not known")
        if value == "import":
            self.expect(".")
            self.name()
            return ("object", [])
        return ("name", value)

    def _new(self) -> Node:
        if self.take("."):  # new.target
            self.name()
            return ("constant-undefined",)
        callee = self.primary()
        while self.is_(".", "["):
            if self.take("."):
                callee = ("property", callee, ("constant", self.name()), False)
            else:
                self.at += 1
                callee = ("property", callee, self.expression(), False)
                self.expect("]")
        return ("new", callee, self.arguments() if self.is_("(") else [])


def bound_names(pattern: Node) -> list[str]:
    """Returns the names that a pattern binds."""
    if pattern[0] == "name":
        return [pattern[1]]
    if pattern[0] in ("default", "rest"):
        return bound_names(pattern[1])
    if pattern[0] == "array-pattern":
        return [name for item in pattern[1] for name in bound_names(item)]
    if pattern[0] == "object-pattern":
        return [name for _, item in pattern[1] for name in bound_names(item)]
    return []
