/* SPDX-License-Identifier: MIT */
/* bcryptprimitives.dll for Wine 8, which has none. Programs of Rust, and so wasmtime, take their
 * random numbers from its only function. SystemFunction036 is RtlGenRandom. */
#include <stddef.h>

__declspec(dllimport) unsigned char __stdcall SystemFunction036(void *buffer, unsigned long size);

__declspec(dllexport) int __stdcall ProcessPrng(unsigned char *buffer, size_t size)
{
    const size_t most = 65536;
    while (size) {
        size_t part = size < most ? size : most;
        if (!SystemFunction036(buffer, (unsigned long)part)) {
            return 0;
        }
        buffer += part;
        size -= part;
    }
    return 1;
}
