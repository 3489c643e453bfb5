# SPDX-License-Identifier: MIT
"""Reads JavaScript into a tree (ECMA-262, chapters 13 to 16), as far as generated glue needs it.

A node is a tuple that begins with the name of its kind; `statements` and `interpreter` say what
each means.
"""

from __future__ import annotations

from .reader import Reader, bound_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .reader import Node


class Later:
    """The body of a function that is not read yet, because most functions are never called."""

    __slots__ = ("_first", "_parser")

    def __init__(self, parser: Parser, first: int) -> None:
        self._parser = parser
        self._first = first

    def statements(self) -> list[Node]:
        """Reads the statements.

        Raises:
            GlueError: They have something that is not known.
        """
        reader = Parser.__new__(Parser)
        reader.tokens, reader.at = self._parser.tokens, self._first
        return reader.block()


class Parser(Reader):
    """Reads the tokens of a program, or of an expression."""

    def later(self) -> Later:
        """Skips a block, which is read when its function is first called."""
        first, partner = self.at, self.token.partner
        self.expect("{")
        self.at = partner + 1
        return Later(self, first)

    # ---- statements ----

    def program(self) -> list[Node]:
        """Reads all statements."""
        statements = []
        while self.token.kind != "end":
            statements.append(self.statement())
        return statements

    def block(self) -> list[Node]:
        """Reads statements between braces."""
        self.expect("{")
        statements = []
        while not self.take("}"):
            if self.token.kind == "end":
                raise self.error("a block has no end")
            statements.append(self.statement())
        return statements

    def statement(self) -> Node:
        """Reads a statement."""
        token = self.token
        if token.kind == "punctuator":
            if token.value == "{":
                return ("block", self.block())
            if self.take(";"):
                return ("block", [])
        if token.kind == "name":
            read = getattr(self, f"_{token.value}", None) if token.value in _STATEMENTS else None
            if token.value == "async" and self.follows(1, "function"):
                return ("function", self.function())
            if token.value == "import" and (self.follows(1, ".") or self.follows(1, "(")):
                read = None
            if token.value == "let" and self.tokens[self.at + 1].value in ("=", ".", ";"):
                read = None
            if read is not None:
                node: Node = read()
                return node
            if self.follows(1, ":"):
                raise self.error("labels are not known")
        expression = self.expression()
        self.end_of_statement()
        return ("expression", expression)

    def _function(self) -> Node:
        return ("function", self.function())

    def _class(self) -> Node:
        return ("class", self.class_())

    def declaration(self) -> Node:
        """Reads what a `var`, `let` or `const` declares, without the end of the statement."""
        kind = self.name()
        declared = []
        while True:
            target = self.pattern()
            value = self.assignment() if self.take("=") else None
            declared.append((target, value))
            if not self.take(","):
                return ("declare", kind, declared)

    def _var(self) -> Node:
        node = self.declaration()
        self.end_of_statement()
        return node

    _let = _const = _var

    def _if(self) -> Node:
        self.at += 1
        self.expect("(")
        test = self.expression()
        self.expect(")")
        then = self.statement()
        return ("if", test, then, self.statement() if self.take("else") else None)

    def _for(self) -> Node:
        self.at += 1
        self.expect("(")
        start: Node | None = None
        if self.is_("var", "let", "const"):
            start = self._for_declaration()
        elif not self.is_(";"):
            start = ("expression", self.expression())
        if start is not None and self.is_("of", "in"):
            kind = self.name()
            values = self.expression()
            self.expect(")")
            if start[0] == "expression":
                raise self.error(f"for … {kind} must declare its variable")
            return ("for-each", kind, start[1], start[2][0][0], values, self.statement())
        self.expect(";")
        test = None if self.is_(";") else self.expression()
        self.expect(";")
        step = None if self.is_(")") else self.expression()
        self.expect(")")
        return ("for", start, test, step, self.statement())

    def _for_declaration(self) -> Node:
        before = self.at
        kind = self.name()
        target = self.pattern()
        if self.is_("of", "in"):
            return ("declare", kind, [(target, None)])
        self.at = before
        return self.declaration()

    def _while(self) -> Node:
        self.at += 1
        self.expect("(")
        test = self.expression()
        self.expect(")")
        return ("for", None, test, None, self.statement())

    def _return(self) -> Node:
        self.at += 1
        bare = self.is_(";", "}") or self.token.newline
        value = None if bare else self.expression()
        self.end_of_statement()
        return ("return", value)

    def _throw(self) -> Node:
        self.at += 1
        value = self.expression()
        self.end_of_statement()
        return ("throw", value)

    def _break(self) -> Node:
        node = (self.name(),)
        self.end_of_statement()
        return node

    _continue = _break

    def _try(self) -> Node:
        self.at += 1
        body, caught, handler, last = self.block(), None, None, None
        if self.take("catch"):
            if self.take("("):
                caught = self.pattern()
                self.expect(")")
            handler = self.block()
        if self.take("finally"):
            last = self.block()
        return ("try", body, caught, handler, last)

    def _switch(self) -> Node:
        self.at += 1
        self.expect("(")
        value = self.expression()
        self.expect(")")
        self.expect("{")
        cases = []
        while not self.take("}"):
            test = None
            if not self.take("default"):
                self.expect("case")
                test = self.expression()
            self.expect(":")
            body = []
            while not self.is_("case", "default", "}"):
                body.append(self.statement())
            cases.append((test, body))
        return ("switch", value, cases)

    def _import(self) -> Node:
        self.at += 1
        bound: list[tuple[str, str]] = []
        while self.token.kind != "string":
            if self.take("*"):
                self.expect("as")
                bound.append((self.name(), "*"))
            elif self.is_("{"):
                bound += [(local, name) for name, local in self._specifiers()]
            elif not self.take(",", "from"):
                bound.append((self.name(), "default"))
        source = self.token.value
        self.at += 1
        self.end_of_statement()
        return ("import", source, bound)

    def _specifiers(self) -> list[tuple[str, str]]:
        """Reads `{a, b as c}` into pairs of names."""
        self.expect("{")
        pairs = []
        while not self.take("}"):
            first = self.name()
            pairs.append((first, self.name() if self.take("as") else first))
            self.take(",")
        return pairs

    def _export(self) -> Node:
        self.at += 1
        if self.is_("{"):
            pairs = self._specifiers()
            if self.take("from"):
                self.at += 1
                pairs = []  # What another file exports is read with that file.
            self.end_of_statement()
            return ("export", None, pairs)
        if self.take("*"):
            while self.token.kind != "string":
                self.at += 1
            self.at += 1
            self.end_of_statement()
            return ("export", None, [])
        if self.take("default"):
            value = self.assignment()
            self.take(";")
            return ("export-default", value)
        declared = self.statement()
        return ("export", declared, [(name, name) for name in names_of(declared)])


_STATEMENTS = frozenset(
    (
        *("function", "class", "var", "let", "const", "if", "for", "while", "return", "throw"),
        *("break", "continue", "try", "switch", "import", "export"),
    )
)


def names_of(node: Node) -> list[str]:
    """Returns the names that a statement declares in the block where it stands."""
    if node[0] == "declare":
        return [name for target, _ in node[2] for name in bound_names(target)]
    if node[0] in ("function", "class"):
        return [node[1][1]]
    if node[0] == "import":
        return [local for local, _ in node[2]]
    if node[0] == "export":
        return names_of(node[1]) if node[1] else []
    return []
