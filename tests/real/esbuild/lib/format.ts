// SPDX-License-Identifier: MIT
export const format = (value: number): string => value.toFixed(2).replace(".", ",");
