/* SPDX-License-Identifier: MIT */
/* Part of engine.c: how functions of m3_compile.c are replaced.
 *
 * In `NAME(...)` the first token tells a definition, which begins with the parameter's type, from a
 * call, which begins with `o`. The definition is renamed to stock_NAME; calls reach ours, of the
 * same name, which a file included later defines. engine.c refers to every stock_NAME, so that a
 * function that a later wasm3 no longer has fails the build.
 *
 * Functions that only the table of opcodes refers to are simpler: the table has no parenthesis.
 */

#define FindReferencedLocalWithinCurrentBlock(...) REPLACE_FindReferenced_##__VA_ARGS__)
#define REPLACE_FindReferenced_IM3Compilation \
    stock_FindReferencedLocalWithinCurrentBlock(IM3Compilation
#define REPLACE_FindReferenced_o FindReferencedLocalWithinCurrentBlock(o

#define PreserveArgsAndLocals(...) REPLACE_PreserveArgsAndLocals_##__VA_ARGS__)
#define REPLACE_PreserveArgsAndLocals_IM3Compilation stock_PreserveArgsAndLocals(IM3Compilation
#define REPLACE_PreserveArgsAndLocals_o PreserveArgsAndLocals(o

#define ResolveBlockResults(...) REPLACE_ResolveBlockResults_##__VA_ARGS__)
#define REPLACE_ResolveBlockResults_IM3Compilation stock_ResolveBlockResults(IM3Compilation
#define REPLACE_ResolveBlockResults_o ResolveBlockResults(o

#define CompileCallArgsAndReturn(...) REPLACE_CompileCallArgs_##__VA_ARGS__)
#define REPLACE_CompileCallArgs_IM3Compilation stock_CompileCallArgsAndReturn(IM3Compilation
#define REPLACE_CompileCallArgs_o CompileCallArgsAndReturn(o

#define CompileElseBlock(...) REPLACE_CompileElseBlock_##__VA_ARGS__)
#define REPLACE_CompileElseBlock_IM3Compilation stock_CompileElseBlock(IM3Compilation
#define REPLACE_CompileElseBlock_o CompileElseBlock(o

#define CompileBlockStatements(...) REPLACE_CompileBlockStatements_##__VA_ARGS__)
#define REPLACE_CompileBlockStatements_IM3Compilation stock_CompileBlockStatements(IM3Compilation
#define REPLACE_CompileBlockStatements_o CompileBlockStatements(o

#define ReadBlockType(...) REPLACE_ReadBlockType_##__VA_ARGS__)
#define REPLACE_ReadBlockType_IM3Compilation stock_ReadBlockType(IM3Compilation
#define REPLACE_ReadBlockType_o ReadBlockType(o

#define CompileLocals(...) REPLACE_CompileLocals_##__VA_ARGS__)
#define REPLACE_CompileLocals_IM3Compilation stock_CompileLocals(IM3Compilation
#define REPLACE_CompileLocals_o CompileLocals(o

#define CompileBlock(...) REPLACE_CompileBlock_##__VA_ARGS__)
#define REPLACE_CompileBlock_IM3Compilation stock_CompileBlock(IM3Compilation
#define REPLACE_CompileBlock_o CompileBlock(o

#define AllocateSlots(...) REPLACE_AllocateSlots_##__VA_ARGS__)
#define REPLACE_AllocateSlots_IM3Compilation stock_AllocateSlots(IM3Compilation
#define REPLACE_AllocateSlots_o AllocateSlots(o

#define DeallocateSlot(...) REPLACE_DeallocateSlot_##__VA_ARGS__)
#define REPLACE_DeallocateSlot_IM3Compilation stock_DeallocateSlot(IM3Compilation
#define REPLACE_DeallocateSlot_o DeallocateSlot(o

#define GetBlockScope(...) REPLACE_GetBlockScope_##__VA_ARGS__)
#define REPLACE_GetBlockScope_IM3Compilation stock_GetBlockScope(IM3Compilation
#define REPLACE_GetBlockScope_o GetBlockScope(o

#define Compile_GetLocal(...) stock_Compile_GetLocal(__VA_ARGS__)
#define Compile_LoopOrBlock(...) stock_Compile_LoopOrBlock(__VA_ARGS__)
#define Compile_Branch(...) stock_Compile_Branch(__VA_ARGS__)
#define Compile_BranchTable(...) stock_Compile_BranchTable(__VA_ARGS__)
#define Compile_CallIndirect(...) stock_Compile_CallIndirect(__VA_ARGS__)
#define Compile_GetSetGlobal(...) stock_Compile_GetSetGlobal(__VA_ARGS__)
#define Compile_Load_Store(...) stock_Compile_Load_Store(__VA_ARGS__)
#define Compile_Memory_Size(...) stock_Compile_Memory_Size(__VA_ARGS__)
#define Compile_Memory_Grow(...) stock_Compile_Memory_Grow(__VA_ARGS__)
#define Compile_Memory_CopyFill(...) stock_Compile_Memory_CopyFill(__VA_ARGS__)
