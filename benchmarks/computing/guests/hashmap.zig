// SPDX-License-Identifier: MIT
// Zig's standard hash map: counts how often each of many words occurs in a text of random words,
// removes some, and looks up all. Most of the time goes into hashing and comparing short strings.

const std = @import("std");

const most = 2000;
var memory: [1 << 20]u8 = undefined;

// Writes the letters of a number, and returns them.
fn word(number: u32, letters: *[8]u8) []const u8 {
    var rest = number *% 2654435761 >> 12;
    var size: usize = 0;
    while (size == 0 or rest > 0) : (rest /= 26) {
        letters[size] = 'a' + @as(u8, @intCast(rest % 26));
        size += 1;
    }
    return letters[0..size];
}

fn count(words: u32) !u32 {
    var buffer = std.heap.FixedBufferAllocator.init(&memory);
    const allocator = buffer.allocator();
    var map = std.StringHashMap(u32).init(allocator);
    var letters: [8]u8 = undefined;
    var seed: u32 = 1;
    for (0..words) |_| {
        seed = seed *% 1664525 +% 1013904223;
        const key = word((seed >> 8) % most, &letters);
        const found = try map.getOrPut(key);
        if (!found.found_existing) {
            found.key_ptr.* = try allocator.dupe(u8, key);
            found.value_ptr.* = 0;
        }
        found.value_ptr.* += 1;
    }
    var sum: u32 = map.count();
    for (0..most) |number| {
        const key = word(@intCast(number), &letters);
        if (number % 5 == 0) {
            _ = map.remove(key);
        }
        sum = std.math.rotl(u32, sum, 5) ^ (map.get(key) orelse 0);
    }
    return sum;
}

export fn run(words: u32) u32 {
    return count(words) catch 0;
}
