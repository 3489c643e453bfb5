# SPDX-License-Identifier: MIT
"""What the hosts for guests of JavaScript have in common: its numbers and texts."""

from __future__ import annotations

import math

from ..wasi.sources import random_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MAX_SAFE = 2**53 - 1


def number_text(number: float) -> str:
    """Returns a number as JavaScript writes it (Number::toString of ECMA-262)."""
    if isinstance(number, int) and abs(number) <= MAX_SAFE:
        return str(int(number))
    number = float(number)
    if not number:
        return "0"
    if number != number:
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    sign = "-" if number < 0 else ""
    mantissa, _, exponent = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = f"{whole}{fraction}".lstrip("0")
    # The number is 0.digits times ten to this power.
    power = len(whole) + int(exponent or 0) - (len(whole) + len(fraction) - len(digits))
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= power <= 21:
        return f"{sign}{digits}{'0' * (power - count)}"
    if 0 < power <= 21:
        return f"{sign}{digits[:power]}.{digits[power:]}"
    if -6 < power <= 0:
        return f"{sign}0.{'0' * -power}{digits}"
    rest = f".{digits[1:]}" if count > 1 else ""
    return f"{sign}{digits[0]}{rest}e{power - 1:+d}"


def utf8(text: str) -> bytes:
    """Returns a text in UTF-8, with U+FFFD for a surrogate that has no partner."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def random_53(source: Callable[[int], bytes]) -> int:
    """Returns a random number of 53 bits, which a number of JavaScript holds exactly."""
    return int.from_bytes(random_bytes(source, 8), "little") >> 11
