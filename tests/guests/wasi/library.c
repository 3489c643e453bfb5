// SPDX-License-Identifier: MIT
// A reactor: a library that is initialized once and has functions that the host calls.
#include "guest.h"

__attribute__((import_module("env"), import_name("back"))) extern u32 back(u32);

static u32 initialized;

__attribute__((export_name("_initialize"))) void initialize(void)
{
    ++initialized;
}

__attribute__((export_name("count"))) u32 count(void)
{
    return initialized;
}

__attribute__((export_name("leave"))) u32 leave(u32 code)
{
    proc_exit(code);
}

// Calls the host, which may call this library again.
__attribute__((export_name("deep"))) u32 deep(u32 n)
{
    return back(n) + 1;
}

__attribute__((export_name("signal"))) u32 signal_number(u32 signal)
{
    return proc_raise(signal);
}

__attribute__((export_name("say"))) u32 say(u32 fd, u32 address, u32 size)
{
    u32 written = 0;
    iovec line = {(const void *)address, size};
    u32 error = fd_write(fd, &line, 1, &written);
    return error ? 0x80000000 | error : written;
}
