# SPDX-License-Identifier: MIT
"""Modules of wasm-bindgen without their glue: exports are declared, and imports known by name.

The declarations and the names become JavaScript of ours, which does for these functions what the
generated glue does, and which the same interpreter runs.
"""

from __future__ import annotations

import re

from ..._text import counted, meant
from ..._types import FuncType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..._module import Module
    from ..._types import ImportType


class Type:
    """The type of a parameter or a result of a function of Rust.

    Attributes:
        name: The name.
        pair: Whether the value is a pointer and a length.
        optional: Whether None is allowed.
    """

    __slots__ = ("name", "optional", "pair")

    def __init__(self, name: str, *, pair: bool = False, optional: bool = False) -> None:
        self.name = name
        self.pair = pair
        self.optional = optional

    def __repr__(self) -> str:
        return f"Option({self.name})" if self.optional else self.name


Text = Type("Text", pair=True)
"""A `&str` or a `String`; a `str` in Python."""
Bytes = Type("Bytes", pair=True)
"""A `&[u8]` or a `Vec<u8>`; `bytes` in Python."""
Any = Type("Any")
"""A `JsValue`, or another object of JavaScript."""
Borrowed = Type("Borrowed")
"""A `&JsValue`, or another object of JavaScript that the function only borrows."""
Number = Type("Number")
"""An integer or a floating-point number."""
Boolean = Type("Boolean")
"""A `bool`."""
Nothing = Type("Nothing")
"""The result of a function that returns nothing."""


def Option(type_: Type) -> Type:
    """Returns the type of `Option<T>` for Text, Bytes or Any.

    Raises:
        ValueError: An option of the type is not known.
    """
    if not (type_.pair or type_ is Any) or type_.optional:
        raise ValueError(f"Option({type_}) is not known: only that of Text, Bytes and Any is")
    return Type(type_.name, pair=type_.pair, optional=True)


class Declared:
    """The declaration of an export.

    Attributes:
        parameters: The types of the parameters.
        result: The type of the result.
        fails: Whether the function of Rust returns a Result.
    """

    __slots__ = ("fails", "parameters", "result")

    def __init__(self, parameters: Sequence[Type], result: Type, fails: bool) -> None:
        self.parameters = tuple(parameters)
        self.result = result
        self.fails = fails


def function(
    parameters: Sequence[Type], result: Type = Nothing, *, fails: bool = False
) -> Declared:
    """Declares a function that a module exports.

    Args:
        parameters: The types of its parameters: Text, Bytes, Any, Number, Boolean, Option(...).
        result: The type of its result.
        fails: Whether the function of Rust returns a ``Result``, whose error is raised.

    Raises:
        TypeError: Something is not a type.
    """
    for type_ in (*parameters, result):
        if not isinstance(type_, Type):
            raise TypeError(f"expected a type such as bindgen.Text, not {type_!r}")
    return Declared(parameters, result, fails)


# ---- imports ----

# What imports do, by the name without prefix, hash and underscores.
#
# Before the colon, how the parameters become a, b, c: "s" is a text and "y" are bytes, each as
# pointer and length; "o" is an object, "t" an object that the guest gives away, "n" a number.
#
# Behind the colon, what is returned: "o" an object, "n" a number, "e" an object, and the guest
# handles what is thrown; "S", "N" and "I" are an optional text, number or bigint, which is written
# where the first parameter points to.
_IMPORTS = """
stringnew s:o a
numbernew n:o a
bigintfromi64 n:o a
bigintfromu64 n:o BigInt.asUintN(64, a)
objectcloneref o:o a
objectdropref t: a
throw s: fail(a)
rethrow t: rethrow(a)
errornew s:o new Error(a)
isundefined o:n a === undefined
isnull o:n a === null
isobject o:n typeof a === 'object' && a !== null
isstring o:n typeof a === 'string'
isfunction o:n typeof a === 'function'
isbigint o:n typeof a === 'bigint'
isarray o:n Array.isArray(a)
jsvaleq oo:n a === b
jsvallooseeq oo:n a == b
in oo:n a in b
asnumber o:n +a
numberget o:N typeof a === 'number' ? a : undefined
stringget o:S typeof a === 'string' ? a : undefined
bigintgetasi64 o:I typeof a === 'bigint' ? a : undefined
debugstring o:S debugString(a)
memory :o wasm.memory
string o:S String(a)
cast s:o a
issafeinteger o:n Number.isSafeInteger(a)
length o:n a.length
buffer o:o a.buffer
entries o:o Object.entries(a)
keys o:o Object.keys(a)
iterator :o Symbol.iterator
next o:e a.next()
done o:n a.done
value o:o a.value
get oo:e Reflect.get(a, b)
get on:o a[b >>> 0]
getwithrefkey oo:o a[b]
set oon: a.set(b, c >>> 0)
set ont: a[b >>> 0] = c
set ott: a[b] = c
push oo:n a.push(b)
call oo:e a.call(b)
call ooo:e a.call(b, c)
instanceofuint8array o:n a instanceof Uint8Array
instanceofarraybuffer o:n a instanceof ArrayBuffer
instanceofmap o:n a instanceof Map
instanceoferror o:n a instanceof Error
instanceofobject o:n a instanceof Object
error s: console.error(a)
getrandomvalues y: crypto.getRandomValues(a)
initexternreftable : initialize()
"""

_NAME = re.compile(r"^(?:__wbindgen_|__wbg_)_*(?:wbindgen_?)?(.*?)(?:_[0-9a-f]{16})?$")

# What all generated programs begin with. The bodies of functions that the interpreter replaces do
# not count.
_PROLOGUE = """
let wasm, table;
const heap = new Array(128).fill(undefined);
heap.push(undefined, null, true, false);
let next = heap.length;
let borrowed = 128;
let WASM_VECTOR_LEN = 0;
function passStringToWasm0(text, malloc) { return 0; }
function getStringFromWasm0(pointer, length) { return ''; }
function debugString(value) { return ''; }
function view() { return new DataView(wasm.memory.buffer); }
function object(index) { return heap[index]; }
function add(value) {
    if (next === heap.length) heap.push(heap.length + 1);
    const index = next;
    next = heap[index];
    heap[index] = value;
    return index;
}
function lend(value) {
    if (borrowed === 1) throw new RangeError('too many objects are lent to the guest');
    borrowed -= 1;
    heap[borrowed] = value;
    return borrowed;
}
function take(index) {
    const value = heap[index];
    if (index >= 132) { heap[index] = next; next = index; }
    return value;
}
function takeFromTable(index) {
    const value = table.get(index);
    wasm.__externref_table_dealloc(index);
    return value;
}
function storeInTable(value) {
    const index = wasm.__externref_table_alloc();
    table.set(index, value);
    return index;
}
function initialize() {
    const first = table.grow(4);
    table.set(0, undefined);
    [undefined, null, true, false].forEach((value, index) => table.set(first + index, value));
}
function passBytes(bytes, malloc) {
    const pointer = malloc(bytes.length, 1) >>> 0;
    new Uint8Array(wasm.memory.buffer).set(bytes, pointer);
    WASM_VECTOR_LEN = bytes.length;
    return pointer;
}
function bytesAt(pointer, length) {
    return new Uint8Array(wasm.memory.buffer, pointer >>> 0, length >>> 0);
}
function fail(message) { throw new Error(message); }
function rethrow(value) { throw value; }
function none(value) { return value === undefined || value === null; }
"""


class Source:
    """Writes the JavaScript for a module.

    Attributes:
        module: The module.
        lines: What is written.
    """

    def __init__(self, module: Module) -> None:
        self.module = module
        self._functions = {e.name: e.type for e in module.exports if isinstance(e.type, FuncType)}
        tables = [e.name for e in module.exports if str(getattr(e.type, "type", "")) == "externref"]
        self._table = tables[0] if tables else None
        table = f" table = wasm.{self._table};" if self._table else ""
        start = f"export function __wbg_set_wasm(value) {{ wasm = value;{table} }}"
        self.lines = [_PROLOGUE, start]

    def helper(self, name: str, type_: FuncType) -> str:
        """Returns the expression for a function that wasm-bindgen lets modules export.

        Newer versions give it a name without a meaning, so that only its type tells it.
        """
        if name in self._functions:
            return f"wasm.{name}"
        found = [
            export
            for export, given in self._functions.items()
            if export.startswith("__wbindgen_export_") and given == type_
        ]
        return f"wasm.{found[0]}" if found else "undefined"

    # ---- imports ----

    def imported(self, wanted: ImportType) -> None:
        """Writes the function for an import."""
        if not isinstance(wanted.type, FuncType):
            return
        name, types = wanted.name, [str(p) for p in wanted.type.params]
        result = str(wanted.type.results[0]) if wanted.type.results else ""
        match = _NAME.match(name)
        base = match[1].replace("_", "").lower() if match else ""
        names = [f"p{i}" for i in range(len(types))]
        body = f"fail({self._unknown(name)!r})"
        for line in _IMPORTS.strip().splitlines():
            known, signature, expression = line.split(" ", 2)
            if known == base and (found := self._body(signature, expression, types, result)):
                body = found
                break
        if base == "booleanget":
            body = self._boolean(name, types)
        if not name.isidentifier():
            raise ValueError(f"the import {name!r} is not one of wasm-bindgen: give the glue")
        self.lines.append(f"export function {name}({', '.join(names)}) {{ {body}; }}")

    @staticmethod
    def _unknown(name: str) -> str:
        return f"what the import {name} does is not known by its name: give the glue"

    @staticmethod
    def _boolean(name: str, types: list[str]) -> str:
        value = "p0" if types == ["externref"] else "object(p0)"
        other = "2" if name == "__wbindgen_boolean_get" else "0xFFFFFF"
        return f"const v = {value}; return typeof v === 'boolean' ? +v : {other}"

    def _body(self, signature: str, expression: str, types: list[str], result: str) -> str | None:
        """Returns the body of an import, or None if its type is another one."""
        parameters, returned = signature.split(":")
        at = 1 if returned and returned in "SNI" else 0
        parts = []
        for name, kind in zip("abc", parameters, strict=False):
            width = 2 if kind in "sy" else 1
            if at + width > len(types):
                return None
            parts.append(f"const {name} = {self._argument(kind, at, types[at])}")
            at += width
        if at != len(types) or (returned in ("o", "e", "n") and not result):
            return None
        parts.append(self._returned(returned, expression, result))
        return "; ".join(parts)

    @staticmethod
    def _argument(kind: str, at: int, type_: str) -> str:
        if kind in "sy":
            function = "getStringFromWasm0" if kind == "s" else "bytesAt"
            return f"{function}(p{at}, p{at + 1})"
        if kind == "n" or type_ == "externref":
            return f"p{at}"
        return f"take(p{at})" if kind == "t" else f"object(p{at})"

    def _returned(self, kind: str, expression: str, result: str) -> str:
        if kind == "N":
            return (
                f"const r = {expression}; view().setFloat64(p0 + 8, none(r) ? 0 : r, true);"
                "view().setInt32(p0, none(r) ? 0 : 1, true)"
            )
        if kind == "I":
            return (
                f"const r = {expression}; view().setBigInt64(p0 + 8, none(r) ? 0n : r, true);"
                "view().setInt32(p0, none(r) ? 0 : 1, true)"
            )
        if kind == "S":
            malloc = self.helper("__wbindgen_malloc", _MALLOC)
            return (
                f"const r = {expression}; const q = none(r) ? 0 : passStringToWasm0(r, {malloc});"
                "view().setInt32(p0 + 4, WASM_VECTOR_LEN, true); view().setInt32(p0, q, true)"
            )
        converted = f"add({expression})" if result == "i32" and kind in ("o", "e") else expression
        if kind == "e":
            store = self.helper("__wbindgen_exn_store", _STORE)
            index = "storeInTable(error)" if self._table else "add(error)"
            return f"try {{ return {converted}; }} catch (error) {{ {store}({index}); }}"
        return f"return {converted}" if kind else f"({converted})"

    # ---- exports ----

    def exported(self, name: str, declared: Declared) -> None:
        """Writes the function for a declared export.

        Raises:
            ValueError: The module does not export such a function.
        """
        type_ = self._functions.get(name)
        if type_ is None or not name.isidentifier():
            hint = meant(name, self._functions)
            raise ValueError(f"the module exports no function named {name!r}{hint}")
        lines: list[str] = []
        given = [self._passed(i, p, lines) for i, p in enumerate(declared.parameters)]
        arguments = ", ".join(given)
        width = sum(2 if p.pair else 1 for p in declared.parameters)
        values = _values(declared)
        by_pointer = len(type_.params) == width + 1 and not type_.results
        if not by_pointer and (len(type_.params), len(type_.results)) != (width, values):
            raise ValueError(
                f"the declaration of {name} does not fit its type in the module, {type_}: it takes "
                f"{counted(width, 'value')} and returns {values}"
            )
        names = ", ".join(f"p{i}" for i in range(len(declared.parameters)))
        lent = sum(p.name == "Borrowed" for p in declared.parameters)
        body = "; ".join([*lines, *self._called(name, arguments, declared, by_pointer)])
        after = "wasm.__wbindgen_add_to_stack_pointer(16);" if by_pointer else ""
        for _ in range(lent if not self._table else 0):
            after += " heap[borrowed++] = undefined;"
        before = "const pointer = wasm.__wbindgen_add_to_stack_pointer(-16);" if by_pointer else ""
        body = f"{before} try {{ {body}; }} finally {{ {after} }}"
        self.lines.append(f"export function {name}({names}) {{ {body} }}")

    def _passed(self, index: int, type_: Type, lines: list[str]) -> str:
        """Returns the arguments for a parameter, after writing how they are made."""
        value = f"p{index}"
        if type_.pair:
            malloc = self.helper("__wbindgen_malloc", _MALLOC)
            function_ = "passStringToWasm0" if type_.name == "Text" else "passBytes"
            made = f"{function_}({value}, {malloc})"
            made = f"none({value}) ? 0 : {made}" if type_.optional else made
            lines.append(f"const q{index} = {made}, l{index} = WASM_VECTOR_LEN")
            return f"q{index}, l{index}"
        if type_.name in ("Any", "Borrowed"):
            if self._table:
                return value
            if type_.optional:
                return f"none({value}) ? 0 : add({value})"
            return f"{'lend' if type_.name == 'Borrowed' else 'add'}({value})"
        return value

    def _called(self, name: str, arguments: str, declared: Declared, by_pointer: bool) -> list[str]:
        """Returns the statements that call an export and return its result."""
        values = _values(declared)
        if by_pointer:
            if declared.result.name in ("Number", "Boolean") and declared.fails:
                raise ValueError(f"what {name} returns is not known by its type: give the glue")
            given = f"pointer, {arguments}" if arguments else "pointer"
            reads = [f"view().getInt32(pointer + {4 * i}, true)" for i in range(values)]
            lines = [f"wasm.{name}({given})", f"const r = [{', '.join(reads)}]"]
        else:
            call = f"wasm.{name}({arguments})"
            lines = [f"const r = {call}" if values > 1 else f"const r = [{call}]"]
        take = "takeFromTable" if self._table else "take"
        if declared.fails:
            lines.append(f"if (r[{values - 1}]) throw {take}(r[{values - 2}])")
        return [*lines, *self._result(declared.result)]

    def _result(self, type_: Type) -> list[str]:
        if type_.pair:
            read = "getStringFromWasm0" if type_.name == "Text" else "bytesAt"
            copy = "" if type_.name == "Text" else ".slice()"
            free = self.helper("__wbindgen_free", _FREE)
            none = ["if (r[0] === 0) return undefined"] if type_.optional else []
            return [
                *none,
                f"try {{ return {read}(r[0], r[1]){copy}; }} finally {{ {free}(r[0], r[1], 1); }}",
            ]
        if type_.name == "Any":
            return [f"return {'r[0]' if self._table else 'take(r[0])'}"]
        if type_.name == "Boolean":
            return ["return r[0] !== 0"]
        return ["return r[0]"] if type_.name == "Number" else []


_MALLOC = FuncType(["i32", "i32"], ["i32"])
_FREE = FuncType(["i32", "i32", "i32"], [])
_STORE = FuncType(["i32"], [])


def _values(declared: Declared) -> int:
    """Returns how many values of wasm an export returns."""
    result = declared.result
    count = 0 if result is Nothing else 2 if result.pair else 1
    return count + (2 if declared.fails else 0)


def glue_for(module: Module, exports: Mapping[str, Declared]) -> str:
    """Returns JavaScript for a module whose exports are declared.

    Raises:
        TypeError: An export is not declared by `function`.
        ValueError: A declaration does not fit the module.
    """
    source = Source(module)
    for wanted in module.imports:
        source.imported(wanted)
    for name, declared in exports.items():
        if not isinstance(declared, Declared):
            raise TypeError(f"declare {name} by bindgen.function(...), not by {declared!r}")
        source.exported(name, declared)
    return "\n".join(source.lines)
