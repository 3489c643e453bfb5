// The rule of a customer: a discount of 10 percent from 20 euros on.
const lines = input.items.map(({ name, count }) => ({ name, euros: price(name) * count }))
const sum = lines.reduce((total, { euros }) => total + euros, 0)
const discount = sum >= 20 ? sum / 10 : 0;
({ total: round(sum - discount), discount: round(discount), lines: lines.length })
