# SPDX-License-Identifier: MIT
"""Computes with floats of any format of IEEE 754 as section 4.3.3 of the specification defines it.

A float is a bit pattern. All numbers are fractions on the way, so that each result is rounded once
and nothing depends on the floats of Python or of the machine. `simd_model.py` uses this.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple, TypeAlias


class Choice(NamedTuple):
    """The bits of a lane where the specification leaves some of them open."""

    bits: int
    mask: int


Lane: TypeAlias = "int | Choice"


@dataclass(frozen=True)
class Format:
    """A float format of IEEE 754: `fraction` bits of the fraction and `exponent` bits before it."""

    fraction: int
    exponent: int

    @cached_property
    def width(self) -> int:
        """The number of bits of a float."""
        return 1 + self.exponent + self.fraction

    @cached_property
    def sign(self) -> int:
        """The bit of the sign."""
        return 1 << (self.width - 1)

    @cached_property
    def infinity(self) -> int:
        """The bits of the positive infinity."""
        return ((1 << self.exponent) - 1) << self.fraction

    @cached_property
    def least(self) -> int:
        """The exponent of the least normal number."""
        return 2 - (1 << (self.exponent - 1))

    @cached_property
    def quiet(self) -> int:
        """The first bit of the fraction, which every arithmetic NaN has."""
        return 1 << (self.fraction - 1)

    @cached_property
    def canonical(self) -> Choice:
        """The canonical NaN, of either sign."""
        return Choice(self.infinity | self.quiet, self.sign - 1)

    @cached_property
    def arithmetic(self) -> Choice:
        """Any arithmetic NaN."""
        return Choice(self.infinity | self.quiet, self.infinity | self.quiet)

    def is_nan(self, bits: int) -> bool:
        """Tells whether a bit pattern is a NaN."""
        return bits & ~self.sign > self.infinity

    def is_infinite(self, bits: int) -> bool:
        """Tells whether a bit pattern is an infinity."""
        return bits & ~self.sign == self.infinity

    def is_zero(self, bits: int) -> bool:
        """Tells whether a bit pattern is a zero of either sign."""
        return bits & ~self.sign == 0

    def value(self, bits: int) -> Fraction:
        """Returns the number that a bit pattern stands for, which is finite."""
        number = bits & ~self.sign
        exponent = max(number >> self.fraction, 1)
        digits = number - ((exponent - 1) << self.fraction)
        value = Fraction(digits) * Fraction(2) ** (exponent - 1 + self.least - self.fraction)
        return -value if bits & self.sign else value

    def round(self, value: Fraction, zero: int = 0) -> int:
        """Returns the float that is nearest to a number; of two, the one with an even last bit.

        Args:
            value: The number.
            zero: The bits of the zero that stands for the number 0.
        """
        if value == 0:
            return zero
        sign = self.sign if value < 0 else 0
        value = abs(value)
        exponent = value.numerator.bit_length() - value.denominator.bit_length()
        if Fraction(2) ** exponent > value:
            exponent -= 1
        exponent = max(exponent, self.least)
        digits = round(value / Fraction(2) ** (exponent - self.fraction))  # of ties, the even one
        bits = ((exponent - self.least) << self.fraction) + digits
        return sign | min(bits, self.infinity)


F32, F64 = Format(23, 8), Format(52, 11)


def _nans(form: Format, *operands: int) -> Choice:
    """Returns the NaNs that an instruction may return for its operands (section 4.3.3)."""
    nans = [bits & ~form.sign for bits in operands if form.is_nan(bits)]
    if all(bits == form.canonical.bits for bits in nans):
        return form.canonical
    return form.arithmetic


def add(form: Format, a: int, b: int) -> Lane:
    if form.is_nan(a) or form.is_nan(b):
        return _nans(form, a, b)
    if form.is_infinite(a) or form.is_infinite(b):
        if form.is_infinite(a) and form.is_infinite(b) and a != b:
            return form.canonical
        return a if form.is_infinite(a) else b
    # The sum of two zeros is negative if both are; another sum that is zero is positive.
    return form.round(form.value(a) + form.value(b), a & b & form.sign)


def sub(form: Format, a: int, b: int) -> Lane:
    return add(form, a, b if form.is_nan(b) else b ^ form.sign)


def mul(form: Format, a: int, b: int) -> Lane:
    sign = (a ^ b) & form.sign
    if form.is_nan(a) or form.is_nan(b):
        return _nans(form, a, b)
    if form.is_infinite(a) or form.is_infinite(b):
        zero = form.is_zero(a) or form.is_zero(b)
        return form.canonical if zero else form.infinity | sign
    return form.round(form.value(a) * form.value(b), sign)


def div(form: Format, a: int, b: int) -> Lane:
    sign = (a ^ b) & form.sign
    if form.is_nan(a) or form.is_nan(b):
        return _nans(form, a, b)
    if form.is_infinite(a):
        return form.canonical if form.is_infinite(b) else form.infinity | sign
    if form.is_infinite(b):
        return sign
    if form.is_zero(b):
        return form.canonical if form.is_zero(a) else form.infinity | sign
    return form.round(form.value(a) / form.value(b), sign)


def fma(form: Format, a: int, b: int, c: int) -> Lane:
    """Returns a * b + c, which is rounded once."""
    if any(map(form.is_nan, (a, b, c))):
        return _nans(form, a, b, c)
    if form.is_infinite(a) or form.is_infinite(b):
        product = mul(form, a, b)
        return product if isinstance(product, Choice) else add(form, product, c)
    if form.is_infinite(c):
        return c
    # A sum that is zero is negative only if the product and the other operand are negative zeros.
    zero = (a ^ b) & c & form.sign
    return form.round(form.value(a) * form.value(b) + form.value(c), zero)


def min_(form: Format, a: int, b: int) -> Lane:
    if form.is_nan(a) or form.is_nan(b):
        return _nans(form, a, b)
    if form.is_zero(a) and form.is_zero(b):
        return a | b
    return b if less(form, b, a) else a


def max_(form: Format, a: int, b: int) -> Lane:
    if form.is_nan(a) or form.is_nan(b):
        return _nans(form, a, b)
    if form.is_zero(a) and form.is_zero(b):
        return a & b
    return b if less(form, a, b) else a


def _order(form: Format, bits: int) -> int:
    """Returns a number that orders floats, infinities included, as their values are ordered."""
    number = bits & ~form.sign
    return -number if bits & form.sign else number


def less(form: Format, a: int, b: int) -> bool:
    if form.is_nan(a) or form.is_nan(b):
        return False
    return _order(form, a) < _order(form, b)


def equal(form: Format, a: int, b: int) -> bool:
    if form.is_nan(a) or form.is_nan(b):
        return False
    return _order(form, a) == _order(form, b)


def sqrt(form: Format, a: int) -> Lane:
    if form.is_nan(a):
        return _nans(form, a)
    if form.is_zero(a):
        return a
    if a & form.sign:
        return form.canonical
    return a if form.is_infinite(a) else form.round(_root(form.value(a)))


def _root(value: Fraction) -> Fraction:
    """Returns the square root of a number, or a fraction that rounds to the same float.

    The root is cut off after 200 binary digits. If digits are lost, a last digit 1 stands for them,
    so that the fraction is on the same side of every float and of every tie as the root.
    """
    scale = 2 * (200 + value.denominator.bit_length())
    scaled = (value.numerator << scale) // value.denominator
    root = math.isqrt(scaled)
    exact = Fraction(root * root, 1 << scale) == value
    return Fraction(2 * root + (not exact), 2 << (scale // 2))


def to_integral(form: Format, a: int, rounding: Callable[[Fraction], int]) -> Lane:
    """Rounds to an integer. A zero has the sign of the operand."""
    if form.is_nan(a):
        return _nans(form, a)
    if form.is_infinite(a):
        return a
    return form.round(Fraction(rounding(form.value(a))), a & form.sign)


def truncate(form: Format, a: int, least: int, most: int) -> int:
    """Rounds a float toward zero to an integer, or to the nearest limit; a NaN becomes 0."""
    if form.is_nan(a):
        return 0
    if form.is_infinite(a):
        return least if a & form.sign else most
    return min(max(math.trunc(form.value(a)), least), most)


def converted(source: Format, target: Format, a: int) -> Lane:
    """Promotes or demotes a float."""
    if source.is_nan(a):
        canonical = a & ~source.sign == source.canonical.bits
        return target.canonical if canonical else target.arithmetic
    sign = target.sign if a & source.sign else 0
    if source.is_infinite(a):
        return target.infinity | sign
    return target.round(source.value(a), sign)
