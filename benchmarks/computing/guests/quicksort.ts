// SPDX-License-Identifier: MIT
// AssemblyScript: sorts an array of random numbers by quicksort, and short pieces of it by insertion.
// Returns a checksum of the sorted numbers, or 0 if they are in a wrong order.

const PIECE = 12;

function insertionSort(numbers: Int32Array, first: i32, last: i32): void {
  for (let i = first + 1; i <= last; i++) {
    const number = numbers[i];
    let j = i - 1;
    for (; j >= first && numbers[j] > number; j--) {
      numbers[j + 1] = numbers[j];
    }
    numbers[j + 1] = number;
  }
}

function middle(a: i32, b: i32, c: i32): i32 {
  return max(min(a, b), min(max(a, b), c));
}

function quicksort(numbers: Int32Array, first: i32, last: i32): void {
  while (last - first >= PIECE) {
    const pivot = middle(numbers[first], numbers[(first + last) >> 1], numbers[last]);
    let low = first;
    let high = last;
    while (low <= high) {
      while (numbers[low] < pivot) low++;
      while (numbers[high] > pivot) high--;
      if (low <= high) {
        const number = numbers[low];
        numbers[low++] = numbers[high];
        numbers[high--] = number;
      }
    }
    quicksort(numbers, first, high);
    first = low;
  }
  insertionSort(numbers, first, last);
}

export function run(count: i32): i32 {
  const numbers = new Int32Array(count);
  let seed: u32 = 1;
  for (let i = 0; i < count; i++) {
    seed = seed * 1664525 + 1013904223;
    numbers[i] = <i32>seed;
  }
  quicksort(numbers, 0, count - 1);
  let sum = numbers[0];
  for (let i = 1; i < count; i++) {
    if (numbers[i] < numbers[i - 1]) return 0;
    sum = rotl(sum, 5) ^ numbers[i];
  }
  return sum;
}
