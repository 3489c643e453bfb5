/* SPDX-License-Identifier: MIT */
/* Part of engine.c: operations on the memory as a whole. It belongs to the bridge and never moves.
 */

d_m3Op(pwMemSize)
{
    _r0 = (i64)(_mem->length / d_m3MemPageSize);
    nextOp();
}

/* wasm3's adds in 32 bits, so that growing by -1 shrinks, and moves the end of the stack in nested
 * calls. */
d_m3Op(pwMemGrow)
{
    _r0 = pw_memory_grow(pw_header_of(_mem)->memory, (u32)_r0);
    nextOp();
}
