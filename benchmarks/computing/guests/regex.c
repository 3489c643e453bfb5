// SPDX-License-Identifier: MIT
// A regular expression is compiled to a program, and all its threads run through a text in step, as
// Thompson described it. Searches generated lines for dates and addresses, `rounds` times.
//
// A pattern consists of letters, `.`, classes such as [a-z0-9], groups, `|`, `*`, `+` and `?`.

#include "guest.h"

enum { CODE = 128, LINES = 8, LINE = 48 };
enum { LETTER, ANY, CLASS, SPLIT, JUMP, MATCH };

typedef struct {
    uint8_t op, letter;
    uint16_t left, right; // SPLIT and JUMP: where to go on. CLASS: the number of the class.
} instruction;

static instruction code[CODE];
static uint32_t classes[16][4]; // sets of 128 characters
static uint16_t size, class_count;
static const char *pattern;
static uint16_t threads[2][CODE];
static uint32_t stamp[CODE], step;

static uint16_t emit(uint8_t op, uint8_t letter, uint32_t left, uint32_t right)
{
    code[size] = (instruction){op, letter, (uint16_t)left, (uint16_t)right};
    return size++;
}

// Makes room for an instruction before those from `at` on, whose targets move with them.
static void insert_split(uint16_t at, uint32_t left, uint32_t right)
{
    for (uint16_t i = size++; i > at; i--) {
        code[i] = code[i - 1];
        if (code[i].op == SPLIT || code[i].op == JUMP) {
            code[i].left = (uint16_t)(code[i].left + (code[i].left >= at));
            code[i].right = (uint16_t)(code[i].right + (code[i].right >= at));
        }
    }
    code[at] = (instruction){SPLIT, 0, (uint16_t)left, (uint16_t)right};
}

static void compile_class(void)
{
    uint32_t *set = classes[class_count];
    for (; *pattern != ']'; pattern++) {
        uint8_t first = (uint8_t)*pattern, last = first;
        if (pattern[1] == '-') {
            last = (uint8_t)pattern[2];
            pattern += 2;
        }
        for (uint32_t c = first; c <= last; c++) {
            set[c / 32] |= 1u << c % 32;
        }
    }
    pattern++;
    emit(CLASS, 0, class_count++, 0);
}

static void compile_alternatives(void);

static void compile_atom(void)
{
    char c = *pattern++;
    if (c == '(') {
        compile_alternatives();
        pattern++;
    } else if (c == '[') {
        compile_class();
    } else {
        emit(c == '.' ? ANY : LETTER, (uint8_t)c, 0, 0);
    }
}

static void compile_sequence(void)
{
    while (*pattern && *pattern != '|' && *pattern != ')') {
        uint16_t at = size;
        compile_atom();
        if (*pattern == '+') {
            emit(SPLIT, 0, at, size + 1u);
        } else if (*pattern == '*') {
            insert_split(at, at + 1u, size + 2u);
            emit(JUMP, 0, at, 0);
        } else if (*pattern == '?') {
            insert_split(at, at + 1u, size + 1u);
        } else {
            continue;
        }
        pattern++;
    }
}

static void compile_alternatives(void)
{
    uint16_t at = size;
    compile_sequence();
    if (*pattern == '|') {
        pattern++;
        insert_split(at, at + 1u, size + 2u);
        uint16_t jump = emit(JUMP, 0, 0, 0);
        compile_alternatives();
        code[jump].left = size;
    }
}

static void compile(const char *text)
{
    size = class_count = 0;
    for (uint32_t i = 0; i < sizeof classes / sizeof(uint32_t); i++) {
        classes[i / 4][i % 4] = 0;
    }
    pattern = text;
    compile_alternatives();
    emit(MATCH, 0, 0, 0);
}

// Adds a thread and those that it splits into. Each instruction has at most one thread in a step.
static uint32_t add_thread(uint16_t *list, uint32_t count, uint16_t at)
{
    while (stamp[at] != step) {
        stamp[at] = step;
        if (code[at].op == SPLIT) {
            count = add_thread(list, count, code[at].left);
            at = code[at].right;
        } else if (code[at].op == JUMP) {
            at = code[at].left;
        } else {
            list[count++] = at;
        }
    }
    return count;
}

// Returns how long the longest match is that begins where the text begins, or 0.
KEPT uint32_t match(const char *text)
{
    uint32_t longest = 0, now = 0;
    step++;
    uint32_t count = add_thread(threads[now], 0, 0);
    for (uint32_t at = 0; count > 0; at++) {
        uint32_t next = 0;
        uint8_t c = (uint8_t)text[at];
        step++;
        for (uint32_t i = 0; i < count; i++) {
            uint16_t thread = threads[now][i];
            instruction *in = &code[thread];
            if (in->op == MATCH) {
                longest = at;
            } else if (c != 0 && (in->op == ANY || (in->op == LETTER && in->letter == c) ||
                                  (in->op == CLASS && classes[in->left][c / 32] >> c % 32 & 1))) {
                next = add_thread(threads[now ^ 1], next, (uint16_t)(thread + 1));
            }
        }
        count = next;
        now ^= 1;
    }
    return longest;
}

static char lines[LINES][LINE + 1];

static void write_lines(void)
{
    static const char letters[] = "2026-11-29 ann@example.org b.c@d.net, 1999-01-02;";
    for (uint32_t i = 0; i < LINES; i++) {
        uint32_t from = next_random() % 29;
        for (uint32_t j = 0; j < LINE; j++) {
            if (next_random() % 16 == 0) {
                from = next_random();
            }
            lines[i][j] = letters[(from + j) % (sizeof letters - 1)];
        }
    }
}

EXPORT(run) uint32_t run(uint32_t rounds)
{
    static const char *const patterns[] = {
        "[0-9]+-(0|1)[0-9]-[0-3][0-9]",
        "[a-z.]+@([a-z]+.)+(org|net|com)",
        "(a|e|n)*(an|ex)?.*2",
    };
    uint32_t sum = 0;
    seed = 1;
    write_lines();
    while (rounds-- > 0) {
        for (uint32_t p = 0; p < sizeof patterns / sizeof *patterns; p++) {
            compile(patterns[p]);
            for (uint32_t i = 0; i < LINES; i++) {
                for (const char *text = lines[i]; *text; text++) {
                    sum = sum * 31 + match(text);
                }
            }
        }
    }
    return sum;
}
