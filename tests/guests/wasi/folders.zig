// SPDX-License-Identifier: MIT
// Uses the standard library of Zig. It opens directories without rights to hand on, and begins to
// write to its output with fd_pwrite.
const std = @import("std");

pub fn main(init: std.process.Init) !void {
    const io = init.io;
    var buffer: [256]u8 = undefined;
    var output = std.Io.File.stdout().writer(io, &buffer);
    const out = &output.interface;

    const root = std.Io.Dir.cwd();
    try root.createDir(io, "sub", .default_dir);
    var sub = try root.openDir(io, "sub", .{ .iterate = true });
    defer sub.close(io);
    try sub.writeFile(io, .{ .sub_path = "file", .data = "contents" });

    var data: [64]u8 = undefined;
    try out.print("file: {s}\n", .{try sub.readFile(io, "file", &data)});
    var entries = sub.iterate();
    while (try entries.next(io)) |entry|
        try out.print("entry: {s} {t}\n", .{ entry.name, entry.kind });
    try sub.rename("file", root, "moved", io);
    try sub.deleteTree(io, "none");
    try out.print("moved: {s}\n", .{try root.readFile(io, "moved", &data)});
    try out.flush();
}
