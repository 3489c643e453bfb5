// SPDX-License-Identifier: MIT
// Zig's standard formatting: writes lines with integers, hexadecimal numbers, strings and floats,
// padded in various ways, and returns a checksum of their bytes.

const std = @import("std");

fn write(lines: u32) !u32 {
    const names = [_][]const u8{ "copper", "tin", "silver", "gold" };
    var line: [128]u8 = undefined;
    var sum: u32 = 0;
    var seed: u32 = 1;
    for (0..lines) |number| {
        seed = seed *% 1664525 +% 1013904223;
        const price = @as(f64, @floatFromInt(seed >> 8)) / 1000.0;
        const text = try std.fmt.bufPrint(&line, "{d:0>5} {s:<8}|{x:0>8} {d:.3} {any} {d}\n", .{
            number, names[seed >> 30], seed, price, seed & 64 == 0, @as(i64, seed) * -3_000_000,
        });
        for (text) |byte| {
            sum = sum *% 31 +% byte;
        }
    }
    return sum;
}

export fn run(lines: u32) u32 {
    return write(lines) catch 0;
}
