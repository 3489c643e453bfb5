// SPDX-License-Identifier: MIT
// A rule that scores a loan, as an example of a function over the columns of a table. It has
// branches and a loop, which is what a formula over whole columns cannot have.

#define EXPORT(name) __attribute__((export_name(#name)))

// The part of the loan that is left when it is paid back from half of what the income leaves after
// the costs, each month, at a rate of interest for each month. 0 is the best score; a loan that
// grows has the score 1.
EXPORT(score) double score(double income, double costs, double loan, double rate)
{
    double payment = (income - costs) / 2;
    if (!(loan > 0)) {
        return 0;
    }
    if (!(payment > loan * rate)) {
        return 1;
    }
    double left = loan;
    for (int month = 0; month < 24 && left > 0; month++) {
        left += left * rate - payment;
    }
    return left > 0 ? left / loan : 0;
}

// The price of a unit; it traps if there are none.
EXPORT(unit_price) int unit_price(int price, int units)
{
    return price / units;
}
