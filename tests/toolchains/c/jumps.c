// SPDX-License-Identifier: MIT

// Functions that leave others by setjmp and longjmp; the C standard says what each returns.

#include <setjmp.h>
#include <stdlib.h>

#define EXPORT(name) __attribute__((export_name(name), noinline))
#define NOINLINE __attribute__((noinline))

// The host calls the guest again, raises, or returns the argument.
__attribute__((import_module("env"), import_name("host"))) int host(int argument);

static jmp_buf target;
static jmp_buf outer;

static NOINLINE void descend(int depth, int value)
{
    volatile char frame[64];
    frame[depth & 63] = (char)value;
    if (depth == 0) {
        longjmp(target, value);
    }
    descend(depth - 1, value + frame[depth & 63] - (char)value);
}

// Returns what setjmp returns after the jump.
EXPORT("jump") int jump(int depth, int value)
{
    int result = setjmp(target);
    if (result == 0) {
        descend(depth, value);
    }
    return result;
}

// Jumps to the same place again and again. A local variable that changes after setjmp keeps its
// value only if it is volatile.
EXPORT("count_to") int count_to(int limit)
{
    volatile int count = 0;
    volatile int sum = 0;
    int result = setjmp(target);
    sum += result;
    if (count < limit) {
        count++;
        descend(count % 7, count);
    }
    return sum;
}

// Calls setjmp in a loop.
EXPORT("in_a_loop") int in_a_loop(int times)
{
    volatile int sum = 0;
    for (volatile int i = 1; i <= times; i++) {
        int result = setjmp(target);
        if (result == 0) {
            if (i % 2 == 0) {
                descend(3, i);
            }
            sum += 1000;
        } else {
            sum += result;
        }
    }
    return sum;
}

static NOINLINE int inner_target(int which)
{
    int result = setjmp(target);
    if (result == 0) {
        longjmp(which == 0 ? target : outer, 5);
    }
    return 100 + result;
}

// Of two functions that can be jumped to, the right one is.
EXPORT("two_targets") int two_targets(int which)
{
    int result = setjmp(outer);
    if (result == 0) {
        return inner_target(which);
    }
    return 200 + result;
}

// Both targets are in one function.
EXPORT("two_in_one") int two_in_one(int which)
{
    jmp_buf first;
    jmp_buf second;
    volatile int seen = 0;
    int result = setjmp(first);
    if (result != 0) {
        return 100 * seen + 10 + result;
    }
    seen++;
    result = setjmp(second);
    if (result != 0) {
        if (result > 1) {
            longjmp(second, result - 1);
        }
        return 100 * seen + 20 + result;
    }
    seen++;
    longjmp(which == 1 ? first : second, 3);
}

static int compare(const void *left, const void *right)
{
    int difference = *(const int *)left - *(const int *)right;
    if (*(const int *)left == 13 || *(const int *)right == 13) {
        longjmp(target, 13);
    }
    return difference;
}

// Leaves a function of the C library.
EXPORT("out_of_qsort") int out_of_qsort(int unlucky)
{
    int numbers[] = {5, 3, unlucky, 1};
    if (setjmp(target) != 0) {
        return -1;
    }
    qsort(numbers, 4, sizeof(int), compare);
    return numbers[0] * 10 + numbers[3];
}

// Jumps from a call of the host's, to be told apart from what the host raises.
EXPORT("around_the_host") int around_the_host(int argument)
{
    int result = setjmp(target);
    if (result == 0) {
        return host(argument);
    }
    return 100 + result;
}

// Jumps to where around_the_host, which called the host, has called setjmp.
EXPORT("jump_out") void jump_out(int value)
{
    descend(2, value);
}
