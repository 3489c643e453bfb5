// SPDX-License-Identifier: MIT
// SHA-256: shifts, rotations and additions of 32-bit numbers. Hashes `size` bytes, and returns the
// first word of the digest.

#include "../../../tests/guests/sha256.c"

EXPORT(run) uint32_t run(uint32_t size)
{
    for (uint32_t i = 0; i < BUFFER; i++) {
        buffer[i] = (uint8_t)(i * 7);
    }
    init();
    for (uint32_t rest = size; rest > 0;) {
        uint32_t piece = rest < BUFFER ? rest : BUFFER;
        update(buffer, piece);
        rest -= piece;
    }
    return load_big_endian(final());
}
