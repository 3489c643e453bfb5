# SPDX-License-Identifier: MIT
"""The rule of tests/guests/score.c in Python: for a row, and for whole columns of numpy.

benchmarks/scale.py compares their speed with the guest's, and a test compares their results.
"""

import numpy


def score(income: float, costs: float, loan: float, rate: float) -> float:
    """Returns the score of one loan."""
    payment = (income - costs) / 2
    if not loan > 0:
        return 0.0
    if not payment > loan * rate:
        return 1.0
    left, month = loan, 0
    while month < 24 and left > 0:
        left += left * rate - payment
        month += 1
    return left / loan if left > 0 else 0.0


def score_columns(
    income: numpy.ndarray, costs: numpy.ndarray, loan: numpy.ndarray, rate: numpy.ndarray
) -> numpy.ndarray:
    """Returns the scores of many loans. It computes all months for all of them."""
    payment = (income - costs) / 2
    left = loan.copy()
    for _ in range(24):
        left = numpy.where(left > 0, left + (left * rate - payment), left)
    score = numpy.where(left > 0, left / loan, 0.0)
    score = numpy.where(payment > loan * rate, score, 1.0)
    return numpy.where(loan > 0, score, 0.0)
