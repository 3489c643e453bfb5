// SPDX-License-Identifier: MIT
// An interpreter of Brainfuck: a loop around a `switch`, which becomes a `br_table`. The program
// that it runs prints the squares of the numbers from 1 to 40, modulo 256, one byte each.

#include "guest.h"

enum { TAPE = 64, CODE = 128, DEPTH = 16 };

// The cells: how many numbers are left, the number, how often it is still to be added, the number
// again while it is being added, and the square.
static const char squares[] = ">++++++++[<+++++>-]<" // 40 numbers are left
                              "[>+"                  // the next number
                              "[>+>+<<-]>>[<<+>>-]<" // is to be added as often as it says
                              "[<[>>+>+<<<-]>>[<<+>>-]<-]"
                              ">>.[-]<<<<-]";

static uint8_t tape[TAPE];
static uint16_t partner[CODE];

static void match_brackets(void)
{
    uint16_t open[DEPTH];
    uint32_t depth = 0;
    for (uint16_t i = 0; squares[i]; i++) {
        if (squares[i] == '[') {
            open[depth++] = i;
        } else if (squares[i] == ']') {
            partner[i] = open[--depth];
            partner[partner[i]] = i;
        }
    }
}

// Runs the program on an empty tape, and adds all that it prints to the checksum.
KEPT uint32_t interpret(uint32_t sum)
{
    uint8_t *cell = tape;
    for (uint32_t i = 0; i < TAPE; i++) {
        tape[i] = 0;
    }
    for (const char *at = squares;; at++) {
        switch (*at) {
        case '>': cell++; break;
        case '<': cell--; break;
        case '+': ++*cell; break;
        case '-': --*cell; break;
        case '.': sum = sum * 31 + *cell; break;
        case '[': at = *cell ? at : squares + partner[at - squares]; break;
        case ']': at = *cell ? squares + partner[at - squares] : at; break;
        case '\0': return sum;
        }
    }
}

EXPORT(run) uint32_t run(uint32_t rounds)
{
    uint32_t sum = 0;
    match_brackets();
    while (rounds-- > 0) {
        sum = interpret(sum);
    }
    return sum;
}
