# SPDX-License-Identifier: MIT
"""Makes texts of modules fit for messages: short, and without control characters.

A module chooses its names. A name may have megabytes, a module may have 200,000 imports, and a
newline in a name would look like the end of a line of a log. So every name that reaches a message,
a ``repr()``, a note of an exception or the output of the command line goes through this module.
"""

from __future__ import annotations

from itertools import islice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeVar

    T = TypeVar("T")

# Characters of a name. Longer ones are rare: names of C++ and Rust that contain all their types
# have up to some 200 characters.
MAX_NAME = 256
# Entries of a list, such as the exports of a module. More would not be read.
MAX_LISTED = 20
# Characters of all entries of a list together. The first entry may be longer.
MAX_LIST = 4096
# Characters of a name that is compared with others to find out which of them was meant.
MAX_SIMILAR = 40
# From 0 to 1: how similar a name must be. "malok" and "malloc" have 0.73, "none" and "inner" 0.67.
_SIMILARITY = 0.7
# Names that are compared with one.
MAX_COMPARED = 1000
# So many bytes of UTF-8 are at least MAX_NAME + 1 characters, because a character has at most four
# bytes. Decoding more of a name than this does not change what is shown of it.
ENOUGH_BYTES = 4 * (MAX_NAME + 1)


def printable(text: str) -> str:
    """Returns a text with unprintable characters escaped as in the text format.

    ``str.isprintable`` knows them: control characters, separators of lines and paragraphs, marks
    that change the direction of writing, other invisible characters, and lone surrogates.
    """
    if text.isprintable():
        return text
    return "".join([c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text])


def _repr_part(character: str) -> str:
    return repr(character)[1:-1]


def _head(text: str, escape: Callable[[str], str]) -> str:
    """Returns the beginning of a text that has at most MAX_NAME characters when it is escaped."""
    size = 0
    for position, character in enumerate(text[:MAX_NAME]):
        size += len(escape(character))
        if size > MAX_NAME:
            return text[:position]
    return text[:MAX_NAME]


def brief(text: str) -> str:
    """Returns a name as messages show it: escaped, and cut with ``...`` if it is too long."""
    if len(text) <= MAX_NAME and text.isprintable():
        return text
    head = _head(text, printable)
    return printable(head) + ("..." if len(head) < len(text) else "")


def brief_repr(value: object) -> str:
    """Returns ``repr(value)``, but cuts a text that is too long, and shortens a long tuple."""
    if isinstance(value, str):
        head = _head(value, _repr_part)
        return repr(head) + ("..." if len(head) < len(value) else "")
    if isinstance(value, tuple) and len(value) > MAX_LISTED:
        return f"({', '.join(listed(value, repr))})"
    return repr(value)


def _quoted_part(character: str) -> str:
    return f"\\{character}" if character in '\\"' else printable(character)


def brief_quoted(text: str) -> str:
    """Returns a name as a string of the text format; one that is too long is cut."""
    head = _head(text, _quoted_part)
    return f'"{"".join(map(_quoted_part, head))}"' + ("..." if len(head) < len(text) else "")


def counted(number: int, noun: str) -> str:
    """Returns a number with its noun, which gets an "s" unless the number is 1: ``1 page``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(items: Sequence[T], shown: Callable[[T], str] = str) -> list[str]:
    """Returns the texts of the first items, and if there are more, says how many.

    Args:
        items: The items.
        shown: Returns the text of an item, which is as short as the texts that `brief` returns.
    """
    texts: list[str] = []
    size = 0
    for item in items[:MAX_LISTED]:
        text = shown(item)
        size += len(text)
        if texts and size > MAX_LIST:
            break
        texts.append(text)
    left = len(items) - len(texts)
    return [*texts, f"... and {left:,} more"] if left else texts


def meant(name: str, names: Iterable[str], shown: Callable[[str], str] = brief_repr) -> str:
    """Returns ``; did you mean 'name'?`` if one of the names is similar, else "".

    Args:
        name: The name that is not there, which may be misspelt.
        names: Those that are there. The first 1000 are compared, which takes at most 0.2 s.
        shown: Returns the text of a name as the message shows it.
    """
    found = similar(name, names)
    return "" if found is None else f"; did you mean {shown(found)}?"


def similar(name: str, names: Iterable[str]) -> str | None:
    """Returns the name that is most similar to one that is not there, or None.

    Names of more than MAX_SIMILAR characters are not compared, because the time grows with the
    square of their length, and modules choose their names.
    """
    from difflib import get_close_matches

    if len(name) > MAX_SIMILAR:
        return None
    short = [other for other in islice(names, MAX_COMPARED) if len(other) <= MAX_SIMILAR]
    return next(iter(get_close_matches(name, short, 1, _SIMILARITY)), None)


def is_attribute(name: str) -> bool:
    """Returns whether pywasm3.hook makes an export an attribute of a module of Python.

    Python itself sets names such as ``__name__`` and ``__getattr__``, so an export must not.
    """
    return name.isidentifier() and not (name.startswith("__") and name.endswith("__"))
