// SPDX-License-Identifier: MIT
// The entry of a small project: esbuild resolves, checks syntax, converts, bundles and shortens it.
import { area, type Shape } from "./shapes";
import { format } from "@lib/format";
import data from "./data.json";

enum Unit {
  Metre = "m²",
  Foot = "ft²",
}

@traced
class Report {
  constructor(private readonly shapes: readonly Shape[], public unit: Unit = Unit.Metre) {}

  get total(): number {
    return this.shapes.map(area).reduce((sum, one) => sum + one, 0);
  }
}

function traced<T extends { new (...given: any[]): object }>(target: T): T {
  return class extends target {
    readonly made = Date.now();
  };
}

export const report = new Report(data.shapes as Shape[]);
console.log(`Σ ${format(report.total)} ${report.unit ?? Unit.Foot}`);
