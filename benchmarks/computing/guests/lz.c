// SPDX-License-Identifier: MIT
// Decompresses a text that is compressed in the manner of LZ4: a token says how many bytes follow
// that stand for themselves, and how many are copied from the text before. The text is written and
// compressed at the first call. Each call decompresses it `rounds` times.

#include "guest.h"

enum { TEXT = 64 * 1024, TABLE = 4096, SHORTEST = 4 };

static uint8_t text[TEXT], packed[2 * TEXT], unpacked[TEXT];
static uint32_t packed_size;
static uint32_t last_seen[TABLE]; // the position behind the first byte of what hashes so

static void write_text(void)
{
    static const char *const words[] = {"the ", "interpreter ", "reads ", "an ",  "operation ",
                                        "and ", "jumps ",       "to ",    "it, ", "again.\n"};
    for (uint32_t at = 0; at < TEXT;) {
        const char *word = words[next_random() % 10];
        while (*word && at < TEXT) {
            text[at++] = (uint8_t)*word++;
        }
        if (next_random() % 4 == 0 && at < TEXT) {
            text[at++] = (uint8_t)('0' + next_random() % 10);
        }
    }
}

static uint32_t word_at(uint32_t at)
{
    return text[at] | (uint32_t)text[at + 1] << 8 | (uint32_t)text[at + 2] << 16 |
           (uint32_t)text[at + 3] << 24;
}

// Writes what of a length does not fit into its half of the token.
static void write_length(uint32_t length)
{
    if (length < 15) {
        return;
    }
    for (length -= 15; length >= 255; length -= 255) {
        packed[packed_size++] = 255;
    }
    packed[packed_size++] = (uint8_t)length;
}

static void write_sequence(uint32_t from, uint32_t literals, uint32_t distance, uint32_t length)
{
    uint32_t rest = length - SHORTEST;
    packed[packed_size++] =
        (uint8_t)((literals < 15 ? literals : 15) << 4 | (rest < 15 ? rest : 15));
    write_length(literals);
    for (uint32_t i = 0; i < literals; i++) {
        packed[packed_size++] = text[from + i];
    }
    packed[packed_size++] = (uint8_t)distance;
    packed[packed_size++] = (uint8_t)(distance >> 8);
    write_length(rest);
}

// The last bytes of the text stand for themselves, with a copy of SHORTEST bytes that is cut off.
static void compress(void)
{
    uint32_t from = 0, at = 1;
    while (at + SHORTEST <= TEXT) {
        uint32_t *seen = &last_seen[word_at(at) * 2654435761u >> 20];
        uint32_t match = *seen, length = 0;
        *seen = at + 1;
        if (match-- > 0 && at - match < 0x10000) {
            while (at + length < TEXT && text[match + length] == text[at + length]) {
                length++;
            }
        }
        if (length < SHORTEST) {
            at++;
            continue;
        }
        write_sequence(from, at - from, at - match, length);
        at += length;
        from = at;
    }
    write_sequence(from, TEXT - from, 1, SHORTEST);
}

static uint32_t read_length(const uint8_t **in, uint32_t length)
{
    uint8_t more = length == 15 ? 255 : 0;
    while (more == 255) {
        more = *(*in)++;
        length += more;
    }
    return length;
}

KEPT void decompress(void)
{
    const uint8_t *in = packed, *in_end = packed + packed_size;
    uint8_t *out = unpacked, *out_end = unpacked + TEXT;
    while (in < in_end) {
        uint8_t token = *in++;
        for (uint32_t i = read_length(&in, token >> 4); i > 0 && out < out_end; i--) {
            *out++ = *in++;
        }
        const uint8_t *from = out - (in[0] | in[1] << 8);
        in += 2;
        for (uint32_t i = read_length(&in, token & 15) + SHORTEST; i > 0 && out < out_end; i--) {
            *out++ = *from++;
        }
    }
}

EXPORT(run) uint32_t run(uint32_t rounds)
{
    uint32_t sum = 0;
    if (packed_size == 0) {
        seed = 7;
        write_text();
        compress();
    }
    while (rounds-- > 0) {
        decompress();
    }
    for (uint32_t i = 0; i < TEXT; i += 64) {
        if (unpacked[i] != text[i]) {
            return 0;
        }
        sum = mix(sum, unpacked[i]);
    }
    return mix(sum, packed_size);
}
