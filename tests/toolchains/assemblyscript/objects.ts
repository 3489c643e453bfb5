// SPDX-License-Identifier: MIT
// Objects of each kind that goes in or out, and what the program asks its host for.

// The classes that the host cannot tell from others with items of the same kind.
export const STRINGS = idof<Array<string>>();
export const NUMBERS = idof<Array<Array<i32>>>();

// Without this, the module would have no class for them.
export function lists(a: i8[], b: u16[], c: u64[], d: f32[]): f64 {
  return <f64>a[0] + <f64>b[0] + <f64>c[0] + <f64>d[0];
}

export function greet(name: string): string {
  return "Hello, " + name + "!";
}

export function length(text: string | null): i32 {
  return text === null ? -1 : text.length;
}

export function nothing(): string | null {
  return null;
}

export function half(): string {
  return String.fromCharCode(0xd83e);
}

export function reversed(data: ArrayBuffer): ArrayBuffer {
  const bytes = Uint8Array.wrap(data.slice(0));
  bytes.reverse();
  return bytes.buffer;
}

export function total(values: Array<i32>): i32 {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum;
}

export function squares(count: i32): Array<f64> {
  const made = new Array<f64>(count);
  for (let i = 0; i < count; i++) made[i] = <f64>i * <f64>i;
  return made;
}

export function longs(): i64[] {
  return [1, -2, i64.MAX_VALUE];
}

export function bytes(): u8[] {
  return [0, 255];
}

export function truths(): bool[] {
  return [true, false];
}

export function doubled(values: Float32Array): StaticArray<f32> {
  const made = new StaticArray<f32>(values.length);
  for (let i = 0; i < values.length; i++) made[i] = values[i] * 2;
  return made;
}

export function tail(values: Int16Array): Int16Array {
  return values.subarray(1);
}

export function words(text: string): string[] {
  return text.split(" ");
}

export function joined(parts: string[]): string {
  return parts.join("-");
}

export function flat(parts: Array<Array<i32>>): Array<i32> {
  return parts.flat();
}

export function nested(): i32[][] {
  return [[1], [], [2, 3]];
}

export function unsigned(data: StaticArray<u16>): u32 {
  return data.length ? <u32>data[0] : 0;
}

export function withDefault(first: i32, second: i32 = 40): i32 {
  return first + second;
}

class Counter {
  constructor(public count: i32) {}
}

export function counter(from: i32): Counter {
  return new Counter(from);
}

export function increment(counter: Counter): i32 {
  return ++counter.count;
}

// Makes garbage, so that the collector runs.
export function garbage(rounds: i32): i32 {
  let size = 0;
  for (let i = 0; i < rounds; i++) size += "garbage number ".concat(i.toString()).length;
  return size;
}

// ---- what the host is asked for ----

declare function say(text: string): void;
declare function ask(question: string): string;

export function tell(text: string): void {
  say(text + "?");
}

export function answer(question: string): string {
  return ask(question).toUpperCase();
}

export function fail(message: string): void {
  throw new Error(message);
}

export function check(value: i32): void {
  assert(value > 0, "value must be positive");
}

export function traced(): void {
  trace("numbers", 5, 1, -2.5, 1e21, 1e-7, NaN);
  trace("more", 5, -0.0, 1e-6, 1.25e-5, 123456789012345680000.0, 0.1);
  trace("few", 2, Infinity, -1.5e300);
  trace("none");
}

export function printed(): void {
  console.log("log grüße");
  console.info("info");
  console.debug("debug");
  console.warn("warn");
  console.error("error");
  console.assert(1 > 2, "one is more than two");
  console.assert(2 > 1, "never");
}

export function now(): i64 {
  return Date.now();
}

export function random(): f64 {
  return Math.random();
}

export function elapsed(): f64 {
  return performance.now();
}

export function bytesOfChance(count: i32): Uint8Array {
  const made = new Uint8Array(count);
  crypto.getRandomValues(made);
  return made;
}

export function timed(): void {
  console.time("timer");
  console.timeLog("timer");
  console.timeEnd("timer");
  console.timeEnd("unknown");
}
