# SPDX-License-Identifier: MIT
"""tools/mutations.py derives small changes from C source text.

The expected mutations of the snippets were written down by reading the snippets.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from helpers import TESTS, import_file

mutations = import_file(TESTS.parent / "tools" / "mutations.py")

SNIPPET = """\
/* if (a == b) in a comment */
#define LIMIT(X) \\
    ((X) < 5)
enum { ROWS = 3 };
static const char *const names[] = {"a < b && c", "x++;"};

static int first(const struct row *r, int n)
{
    int count = 0; // n == 1
    if (n < 4 && r->flags != 0) {
        count++;
        return count;
    }
    r->seen = true;
    note(r, "a, b");
    return count >> 1;
}

d_m3Op(Loop)
{
    while (ready(r))
        r->left -= 0x10;
    next();
}
"""


def changes(body: str, operator: str) -> list[tuple[str, str]]:
    """The old and the new texts that an operator derives from the body of a function."""
    found = mutations.derive("a.c", f"void f(void)\n{{\n{body}\n}}\n")
    return [(m.old, m.new) for m in found if m.operator == operator]


def functions(found: Iterable[mutations.Mutation]) -> set[str]:
    return {mutation.function for mutation in found}


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("compare", {("<", "<="), ("<", ">="), ("!=", "==")}),
        ("logic", {("&&", "||")}),
        (
            "negate",
            {
                ("(n < 4 && r->flags != 0)", "(!(n < 4 && r->flags != 0))"),
                ("(ready(r))", "(!(ready(r)))"),
            },
        ),
        (
            "constant",
            {("0", "1"), ("4", "5"), ("4", "3"), ("1", "2"), ("1", "0")}
            | {("0x10", "0x11"), ("0x10", "0xf")},
        ),
        (
            "drop",
            {
                ("count++;", "(void)0;"),
                ("r->seen = true;", "(void)0;"),
                ('note(r, "a, b");', "(void)0;"),
                ("r->left -= 0x10;", "(void)0;"),
                ("next();", "(void)0;"),
            },
        ),
    ],
)
def test_each_operator_changes_what_it_is_meant_to_and_nothing_else(
    operator: str, expected: set[tuple[str, str]]
) -> None:
    found = mutations.derive("a.c", SNIPPET)
    assert {(m.old, m.new) for m in found if m.operator == operator} == expected


def test_mutations_know_their_function_and_line() -> None:
    found = mutations.derive("a.c", SNIPPET)
    assert functions(found) == {"first", "d_m3Op(Loop)"}
    assert [(m.line, m.function) for m in found if m.old == "count++;"] == [(11, "first")]


def test_a_mutation_changes_only_its_place() -> None:
    (mutation,) = (m for m in mutations.derive("a.c", SNIPPET) if m.old == "&&")
    assert mutation.apply(SNIPPET) == SNIPPET.replace("n < 4 && r", "n < 4 || r")


def test_a_mutation_is_refused_by_a_text_that_has_changed() -> None:
    mutation = mutations.derive("a.c", SNIPPET)[0]
    with pytest.raises(ValueError, match=r"a\.c has changed"):
        mutation.apply("\n" + SNIPPET)


@pytest.mark.parametrize(
    "code", ["a = p->next;", "a = b << 2 >> c;", "a <<= b;", "a >>= b;", "a = *b;"]
)
def test_arrows_and_shifts_are_not_comparisons(code: str) -> None:
    assert changes(code, "compare") == []


def test_a_condition_of_one_comparison_is_not_negated_as_well() -> None:
    assert changes("if (a == b) f();", "negate") == []
    assert changes("if (!a) f();", "negate") == [("(!a)", "(!(!a))")]


def test_parts_of_names_and_floats_are_not_integers() -> None:
    assert changes("x1 = 1.5 + 2e3 + u8;", "constant") == []
    assert changes("x = 7u;", "constant") == [("7u", "6u"), ("7u", "8u")]


@pytest.mark.parametrize(
    "code", ["int a = 1;", "return f(a);", "a = f(b);", "for (a = 1; b; a++) {}", "goto done;"]
)
def test_statements_that_others_depend_on_are_not_dropped(code: str) -> None:
    assert changes(code, "drop") == []


def test_the_statement_of_an_else_is_dropped_without_the_else() -> None:
    assert changes("if (a) b = 1; else b++;", "drop") == [
        ("b = 1;", "(void)0;"),
        ("b++;", "(void)0;"),
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("first", {"first"}),
        ("Loop", {"d_m3Op(Loop)"}),
        ("a.c", {"first", "d_m3Op(Loop)"}),
        ("engine/a.c", {"first", "d_m3Op(Loop)"}),
        ("native", {"first", "d_m3Op(Loop)"}),
    ],
)
def test_files_folders_and_functions_are_chosen_by_name(name: str, expected: set[str]) -> None:
    found = mutations.derive("native/engine/a.c", SNIPPET)
    assert functions(mutations.named(found, [name])) == expected


def test_a_name_that_fits_nothing_is_an_error() -> None:
    with pytest.raises(LookupError, match="'second'"):
        mutations.named(mutations.derive("a.c", SNIPPET), ["first", "second"])


def test_changed_lines_are_read_from_a_diff() -> None:
    diff = """\
diff --git a/native/a.c b/native/a.c
--- a/native/a.c
+++ b/native/a.c
@@ -9,0 +10,2 @@ static int first(void)
+    one
+    two
@@ -20 +22 @@
-    old
+    new
@@ -30,2 +31,0 @@
-    gone
-    gone
"""
    lines = mutations.changed_lines(diff)
    assert lines == {"native/a.c": {10, 11, 22}}
    found = mutations.changed(mutations.derive("native/a.c", SNIPPET), lines)
    assert {mutation.line for mutation in found} == {10, 11, 22}


def test_a_sample_is_the_same_for_the_same_seed_and_spread_over_functions() -> None:
    found = mutations.derive("a.c", SNIPPET)
    one, again, other = (mutations.sample(found, 6, seed) for seed in (1, 1, 2))
    assert one == again != other
    assert len(set(one)) == 6
    assert functions(mutations.sample(found, 2, 1)) == {"first", "d_m3Op(Loop)"}
    assert sorted(mutations.sample(found, 1000, 1)) == found
