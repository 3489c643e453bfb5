// SPDX-License-Identifier: MIT
// Shifts and rotations: computes the SHA-256 of 4 KiB.

#include "../../tests/guests/sha256.c"
#include "job.h"

AMOUNT = 4096;

JOB(sha256)
{
    for (uint32_t i = 0; i < amount; i++) {
        buffer[i] = (uint8_t)(i * 7);
    }
    init();
    update(buffer, amount);
    return load_big_endian(final()) != 0xd010f6d7;
}
