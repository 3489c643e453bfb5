/* SPDX-License-Identifier: MIT */
/* Part of engine.c: ends what replace.h began. */

#undef FindReferencedLocalWithinCurrentBlock
#undef PreserveArgsAndLocals
#undef ResolveBlockResults
#undef CompileCallArgsAndReturn
#undef CompileElseBlock
#undef CompileBlockStatements
#undef CompileBlock
#undef Compile_LoopOrBlock
#undef Compile_Branch
#undef Compile_BranchTable
#undef Compile_GetSetGlobal

/* Fails to compile when one of them was not there to be replaced. */
enum {
    ALL_REPLACED = sizeof(&stock_FindReferencedLocalWithinCurrentBlock) +
    sizeof(&stock_PreserveArgsAndLocals) + sizeof(&stock_ResolveBlockResults) +
    sizeof(&stock_CompileCallArgsAndReturn) + sizeof(&stock_CompileElseBlock) +
    sizeof(&stock_CompileBlockStatements) + sizeof(&stock_CompileBlock) +
    sizeof(&stock_Compile_LoopOrBlock) + sizeof(&stock_Compile_Branch) +
    sizeof(&stock_Compile_BranchTable) + sizeof(&stock_Compile_GetSetGlobal)
};
