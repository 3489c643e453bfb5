// SPDX-License-Identifier: MIT
// Zig's standard JSON parser: writes a document of many records once per run, parses it to a tree of
// values, and returns a checksum of the tree.

const std = @import("std");

var text: [256 << 10]u8 = undefined;
var memory: [4 << 20]u8 = undefined;

fn document(records: u32) ![]const u8 {
    const record =
        \\{{"id":{d},"name":"n\u00e4me {d}","tags":["a","b{d}",null],"open":{},"at":[{d},-{d}]}},
    ++ "\n";
    var size: usize = 1;
    text[0] = '[';
    for (0..records) |i| {
        const line = try std.fmt.bufPrint(text[size..], record, .{
            i, i * 3, i % 7, i % 2 == 0, i * 65537, i,
        });
        size += line.len;
    }
    text[size - 2] = ']';
    return text[0 .. size - 1];
}

fn digest(value: std.json.Value) u32 {
    var sum: u32 = 1;
    switch (value) {
        .null => {},
        .bool => |b| sum += @intFromBool(b),
        .integer => |i| sum +%= @truncate(@as(u64, @bitCast(i))),
        .string, .number_string => |s| for (s) |byte| {
            sum = sum *% 31 +% byte;
        },
        .array => |array| for (array.items) |item| {
            sum = sum *% 33 +% digest(item);
        },
        .object => |object| {
            var entries = object.iterator();
            while (entries.next()) |entry| {
                sum = sum *% 37 +% digest(entry.value_ptr.*);
            }
        },
        .float => sum +%= 7,
    }
    return sum;
}

fn parse(records: u32) !u32 {
    var buffer = std.heap.FixedBufferAllocator.init(&memory);
    const allocator = buffer.allocator();
    const value = try std.json.parseFromSliceLeaky(
        std.json.Value,
        allocator,
        try document(records),
        .{},
    );
    return digest(value);
}

export fn run(records: u32) u32 {
    return parse(records) catch 0;
}
