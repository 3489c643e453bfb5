/* SPDX-License-Identifier: MIT */
/* Part of engine.c: ends what replace.h began. */

#undef FindReferencedLocalWithinCurrentBlock
#undef PreserveArgsAndLocals
#undef ResolveBlockResults
#undef CompileCallArgsAndReturn
#undef CompileElseBlock
#undef CompileBlockStatements
#undef ReadBlockType
#undef CompileLocals
#undef CompileBlock
#undef AllocateSlots
#undef DeallocateSlot
#undef GetBlockScope
#undef Compile_GetLocal
#undef Compile_LoopOrBlock
#undef Compile_Branch
#undef Compile_BranchTable
#undef Compile_CallIndirect
#undef Compile_GetSetGlobal
#undef Compile_Load_Store
#undef Compile_Memory_Size
#undef Compile_Memory_Grow
#undef Compile_Memory_CopyFill

/* Fails to compile when one of them was not there to be replaced. */
enum {
    ALL_REPLACED = sizeof(&stock_FindReferencedLocalWithinCurrentBlock) +
    sizeof(&stock_PreserveArgsAndLocals) + sizeof(&stock_ResolveBlockResults) +
    sizeof(&stock_CompileCallArgsAndReturn) + sizeof(&stock_CompileElseBlock) +
    sizeof(&stock_CompileBlockStatements) + sizeof(&stock_CompileBlock) +
    sizeof(&stock_AllocateSlots) + sizeof(&stock_DeallocateSlot) + sizeof(&stock_GetBlockScope) +
    sizeof(&stock_Compile_GetLocal) + sizeof(&stock_Compile_LoopOrBlock) +
    sizeof(&stock_Compile_Branch) + sizeof(&stock_Compile_BranchTable) +
    sizeof(&stock_Compile_CallIndirect) + sizeof(&stock_Compile_GetSetGlobal) +
    sizeof(&stock_Compile_Load_Store) + sizeof(&stock_Compile_Memory_Size) +
    sizeof(&stock_Compile_Memory_Grow) + sizeof(&stock_Compile_Memory_CopyFill) +
    sizeof(&stock_ReadBlockType) + sizeof(&stock_CompileLocals)
};
