# SPDX-License-Identifier: MIT
"""Guests in the text format that bind whatever a test tells them to bind by embind.

A guest imports functions of embind and exports them again, so that a test calls them as the
constructors of a C++ program would. Its table has the functions that can be bound.
"""

from __future__ import annotations

from typing import Any

from emscripten_guests import MALLOC, TYPES, module
from pywasm3.guests import emscripten

# The types of the functions of embind, in the form that Emscripten 3.1.6 has for them, and others.
OLD = (
    "_embind_register_void ii>",
    "_embind_register_bool iiiii>",
    "_embind_register_integer iiiii>",
    "_embind_register_bigint iiill>",
    "_embind_register_float iii>",
    "_embind_register_std_string ii>",
    "_embind_register_std_wstring iii>",
    "_embind_register_emval ii>",
    "_embind_register_memory_view iii>",
    "_embind_register_function iiiiii>",
    "_embind_register_constant iid>",
    "_embind_register_enum iiii>",
    "_embind_register_enum_value iii>",
    "_embind_register_value_object iiiiii>",
    "_embind_register_value_object_field iiiiiiiiii>",
    "_embind_finalize_value_object i>",
    "_embind_register_value_array iiiiii>",
    "_embind_register_value_array_element iiiiiiiii>",
    "_embind_finalize_value_array i>",
    "_embind_register_class iiiiiiiiiiiii>",
    "_embind_register_class_constructor iiiiii>",
    "_embind_register_class_function iiiiiiii>",
    "_embind_register_class_property iiiiiiiiii>",
    "_embind_register_class_class_function iiiiiii>",
    "_embind_register_class_class_property iiiiiiii>",
    "_embind_register_smart_ptr iiiiiiiiiiii>",
    "_embind_create_inheriting_constructor iii>i",
)

# Those of the functions for vals that all versions have.
VALS = (
    "_emval_incref i>",
    "_emval_decref i>",
    "_emval_run_destructors i>",
    "_emval_register_symbol i>",
    "_emval_new_array >i",
    "_emval_new_array_from_memory_view i>i",
    "_emval_array_to_memory_view ii>",
    "_emval_new_object >i",
    "_emval_new_cstring i>i",
    "_emval_new_u8string i>i",
    "_emval_new_u16string i>i",
    "_emval_take_value ii>i",
    "_emval_get_global i>i",
    "_emval_get_module_property i>i",
    "_emval_get_property ii>i",
    "_emval_set_property iii>",
    "_emval_delete ii>i",
    "_emval_in ii>i",
    "_emval_equals ii>i",
    "_emval_strictly_equals ii>i",
    "_emval_greater_than ii>i",
    "_emval_less_than ii>i",
    "_emval_not i>i",
    "_emval_typeof i>i",
    "_emval_is_number i>i",
    "_emval_is_string i>i",
    "_emval_instanceof ii>i",
    "_emval_iter_begin i>i",
    "_emval_iter_next i>i",
    "_emval_throw i>i",
    "_emval_as iii>d",
)

# Functions that can be bound; DESTROYED counts what was destroyed, and ACTUAL is the id of the
# class that objects have.
FUNCTIONS = {
    "nothing": "(param i32)",
    "first": "(param i32 i32) (result i32) (local.get 1)",
    "sum": "(param i32 i32 i32) (result i32) (i32.add (local.get 1) (local.get 2))",
    "sum4": """(param i32 i32 i32 i32) (result i32)
        (i32.add (i32.add (local.get 1) (local.get 2)) (local.get 3))""",
    "first_double": "(param i32 f64) (result f64) (local.get 1)",
    "first_float": "(param i32 f32) (result f32) (local.get 1)",
    "first_long": "(param i32 i64) (result i64) (local.get 1)",
    "make": "(param i32) (result i32) (call $malloc (i32.const 16))",
    "same0": "(result i32) (i32.const 1024)",
    "make0": "(result i32) (call $malloc (i32.const 16))",
    "destroy": "(param i32) (global.set $destroyed (i32.add (global.get $destroyed) "
    "(i32.const 1)))",
    "get": "(param i32 i32) (result i32) (i32.load (i32.add (local.get 0) (local.get 1)))",
    "set": "(param i32 i32 i32) (i32.store (i32.add (local.get 0) (local.get 1)) (local.get 2))",
    "static_get": "(param i32) (result i32) (i32.load (local.get 0))",
    "static_set": "(param i32 i32) (i32.store (local.get 0) (local.get 1))",
    "same": "(param i32) (result i32) (local.get 0)",
    "up": "(param i32) (result i32) (i32.add (local.get 0) (i32.const 4))",
    "down": "(param i32) (result i32) (i32.sub (local.get 0) (i32.const 4))",
    "actual": "(param i32) (result i32) (global.get $actual)",
    "share": "(param i32 i32) (result i32) (local.get 0)",
    "trap": "(param i32) unreachable",
}
INDEX = {name: position for position, name in enumerate(FUNCTIONS, 1)}

VOID, BOOL, INT, UINT, DOUBLE, TEXT, VAL, LONG = 100, 101, 102, 103, 104, 105, 106, 107
UNKNOWN = 999


def guest(*imports: str, more: str = "") -> bytes:
    """Returns a module that imports functions, exports them, and has FUNCTIONS in its table.

    Args:
        imports: The names and types, like "_embind_register_void ii>".
        more: More text of the module.
    """
    lines = []
    for each in imports:
        name, _, signature = each.partition(" ")
        params, _, result = signature.partition(">")
        type = f"(param {' '.join(TYPES[letter] for letter in params)})"
        type += f" (result {TYPES[result]})" if result else ""
        lines.append(f'(import "env" "{name}" (func ${name} {type}))')
    functions = [f"(func ${name} {body})" for name, body in FUNCTIONS.items()]
    exports = [f'(export "{each.split()[0]}" (func ${each.split()[0]}))' for each in imports]
    return module(
        "\n".join(
            [
                *lines,
                '(memory (export "memory") 2 4)',
                f'(table (export "__indirect_function_table") {len(FUNCTIONS) + 1} funcref)',
                f"(elem (i32.const 1) {' '.join(f'${name}' for name in FUNCTIONS)})",
                '(global $destroyed (export "DESTROYED") (mut i32) (i32.const 0))',
                '(global $actual (export "ACTUAL") (mut i32) (i32.const 0))',
                MALLOC.replace('(func (export "malloc")', '(func $malloc (export "malloc")'),
                *functions,
                *exports,
                more,
            ]
        )
    )


class Guest:
    """A program that binds what a test tells it to.

    Attributes:
        program: The program.
        embind: What it has bound.
    """

    def __init__(self, *imports: str, **options: Any) -> None:
        """Loads a guest that imports functions; without any, all those of OLD."""
        self.program = emscripten.load(guest(*(imports or OLD)), **options)
        self.embind: Any = self.program.embind

    def __call__(self, name: str, *arguments: int | float | str | tuple[int, ...]) -> Any:
        """Calls a function of embind. Texts and tuples of ids are put into the memory."""
        given = [self._wire(each) for each in arguments]
        return self.program.exports[name](*given)

    def _wire(self, argument: Any) -> Any:
        if isinstance(argument, str):
            return self.program.new_text(argument)
        if isinstance(argument, tuple):
            address = self.program.allocate(4 * len(argument))
            for position, id in enumerate(argument):
                self.program.memory.write_u32(address + 4 * position, id)
            return address
        return argument

    def types(self) -> Guest:
        """Binds simple types, and returns the guest."""
        self("_embind_register_void", VOID, "void")
        self("_embind_register_bool", BOOL, "bool", 1, 1, 0)
        self("_embind_register_integer", INT, "int", 4, -(2**31), 2**31 - 1)
        self("_embind_register_integer", UINT, "unsigned int", 4, 0, 2**32 - 1)
        self("_embind_register_bigint", LONG, "int64_t", 8, -(2**63), 2**63 - 1)
        self("_embind_register_float", DOUBLE, "double", 8)
        self("_embind_register_std_string", TEXT, "std::string")
        self("_embind_register_emval", VAL, "emscripten::val")
        return self

    def function(self, name: str, types: tuple[int, ...], invoker: str = "first") -> None:
        """Binds a function."""
        self("_embind_register_function", name, len(types), types, "", INDEX[invoker], 0)

    def register_class(self, id: int, name: str, base: int = 0) -> None:
        """Binds a class, whose pointers have the ids after `id`."""
        up, down = (INDEX["up"], INDEX["down"]) if base else (0, 0)
        functions = (0, INDEX["actual"], 0, up, 0, down)
        self(
            "_embind_register_class",
            id,
            id + 1,
            id + 2,
            base,
            *functions,
            name,
            0,
            INDEX["destroy"],
        )
        self("_embind_register_class_constructor", id, 1, (id + 1,), 0, INDEX["make"], 0)

    @property
    def destroyed(self) -> int:
        """How often a destructor was called."""
        return int(self.program.exports.DESTROYED.value)
