// SPDX-License-Identifier: MIT
// The mix of work that CoreMark made known, but our own program: lists, matrices, a state machine
// and a CRC.

#include "../../tests/guests/compute.c"
#include "job.h"

AMOUNT = 5;

JOB(coremark)
{
    return run(amount) != 0xef34;
}
