// SPDX-License-Identifier: MIT
// A virtual machine with registers, as Lua's: each instruction is a word with an operation and
// three operands, and the loop chooses what to do by a `br_table`. Its program fills a table with
// the lengths of Collatz' sequences, and then adds them up through a function that it calls.

#include "guest.h"

enum { CELLS = 4096, FRAMES = 64, REGISTERS = 16 };
enum { LOAD, MOVE, ADD, ADDK, MULK, SHIFT, ODD, GET, PUT, LESS, JUMP, TEST, CALL, RETURN, HALT };

#define OP(op, a, b, c) \
    ((uint32_t)(op) | (a) << 8 | (uint32_t)(uint8_t)(b) << 16 | (uint32_t)(c) << 24)
#define TO(op, a, target) ((uint32_t)(op) | (a) << 8 | (target) << 16)

static const uint32_t program[] = {
    // r0: the end, r1: the number, r2: its sequence, r3: the length, r4 and above: scratch
    /*  0 */ TO(LOAD, 1, 1),
    /*  1 */ OP(MOVE, 2, 1, 0),
    /*  2 */ TO(LOAD, 3, 0),
    /*  3 */ TO(LOAD, 4, 1),
    /*  4 */ OP(LESS, 5, 4, 2), // while 1 < r2
    /*  5 */ TO(TEST, 5, 15),
    /*  6 */ OP(ADDK, 3, 3, 1),
    /*  7 */ OP(ODD, 5, 2, 0),
    /*  8 */ TO(TEST, 5, 13),
    /*  9 */ OP(MULK, 2, 2, 3),
    /* 10 */ OP(ADDK, 2, 2, 1),
    /* 11 */ TO(JUMP, 0, 4),
    /* 12 */ TO(HALT, 0, 0),
    /* 13 */ OP(SHIFT, 2, 2, 1),
    /* 14 */ TO(JUMP, 0, 4),
    /* 15 */ OP(PUT, 1, 3, 0), // cells[r1] = r3
    /* 16 */ OP(ADDK, 1, 1, 1),
    /* 17 */ OP(LESS, 5, 1, 0),
    /* 18 */ TO(TEST, 5, 20),
    /* 19 */ TO(JUMP, 0, 1),
    /* 20 */ TO(LOAD, 1, 1), // the sum, in r6
    /* 21 */ TO(LOAD, 6, 0),
    /* 22 */ OP(MOVE, 8, 1, 0),
    /* 23 */ OP(MOVE, 9, 6, 0),
    /* 24 */ TO(CALL, 8, 30),
    /* 25 */ OP(MOVE, 6, 8, 0),
    /* 26 */ OP(ADDK, 1, 1, 1),
    /* 27 */ OP(LESS, 5, 1, 0),
    /* 28 */ TO(TEST, 5, 12),
    /* 29 */ TO(JUMP, 0, 22),
    /* 30 */ OP(GET, 2, 0, 0), // a function: r0 = r1 * 5 + cells[r0]
    /* 31 */ OP(MULK, 1, 1, 5),
    /* 32 */ OP(ADD, 0, 1, 2),
    /* 33 */ TO(RETURN, 0, 0),
};

static uint32_t cells[CELLS];
static uint32_t stack[FRAMES * REGISTERS];

#define A r[word >> 8 & 0xff]
#define B r[word >> 16 & 0xff]
#define C r[word >> 24]
#define K (word >> 24)
#define TARGET (word >> 16)

KEPT uint32_t interpret(uint32_t end)
{
    const uint32_t *next = program, *back[FRAMES];
    uint32_t *r = stack, *frames[FRAMES], depth = 0;
    r[0] = end;
    for (;;) {
        uint32_t word = *next++;
        switch (word & 0xff) {
        case LOAD: A = TARGET; break;
        case MOVE: A = B; break;
        case ADD: A = B + C; break;
        case ADDK: A = B + K; break;
        case MULK: A = B * K; break;
        case SHIFT: A = B >> K; break;
        case ODD: A = B & 1; break;
        case GET: A = cells[B % CELLS]; break;
        case PUT: cells[A % CELLS] = B; break;
        case LESS: A = B < C; break;
        case JUMP: next = program + TARGET; break;
        case TEST: next = A ? next : program + TARGET; break;
        case CALL:
            frames[depth] = r;
            back[depth++] = next;
            r = &A;
            next = program + TARGET;
            break;
        case RETURN:
            r = frames[--depth];
            next = back[depth];
            break;
        case HALT: return r[6];
        }
    }
}

EXPORT(run) uint32_t run(uint32_t end)
{
    return interpret(end < CELLS ? end : CELLS);
}
