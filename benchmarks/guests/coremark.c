// SPDX-License-Identifier: MIT
// The mix that CoreMark made known, in a program of ours: lists, matrices, a state machine, a CRC.

#include "../../tests/guests/compute.c"
#include "job.h"

AMOUNT = 5;

JOB(coremark)
{
    return run(amount) != 0xef34;
}
