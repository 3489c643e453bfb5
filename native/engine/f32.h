/* SPDX-License-Identifier: MIT */
/* Part of engine.c: f32 as f32.
 *
 * wasm3 keeps an f32 that is in the register as an f64: each operation converts it twice, and every
 * signalling NaN becomes quiet. Ours keep its 32 bits in the lower half of the register. They come
 * from the same source: m3_exec.h is included once more with a register of type f32, under names
 * with `f32reg_` before them, and the names below lead the compiler's tables to these.
 */

/* Between the register, as operations pass it on, and its value. On the common processors both are
 * the same part of one register, which the compiler would not find out. */
#if defined(__GNUC__) && defined(__x86_64__)
#define FLOAT_REGISTER "x"
#elif defined(__GNUC__) && defined(__aarch64__)
#define FLOAT_REGISTER "w"
#endif

static inline f32 f32_of_register(f64 reg)
{
    f32 value;
#ifdef FLOAT_REGISTER
    __asm__("" : "=" FLOAT_REGISTER(value) : "0"(reg));
#else
    memcpy(&value, &reg, sizeof value);
#endif
    return value;
}

static inline f64 register_of_f32(f32 value)
{
    f64 reg = 0;
#ifdef FLOAT_REGISTER
    __asm__("" : "=" FLOAT_REGISTER(reg) : "0"(value));
#else
    memcpy(&reg, &value, sizeof value);
#endif
    return reg;
}

/* ---- m3_exec.h once more ---- */

#undef d_m3Op
#undef d_m3OpArgs
#undef m3_exec_h
#define d_m3Op(NAME)                                                         \
    static inline m3ret_t f32reg_body_##NAME(d_m3BaseOpSig, f32 _fp0);       \
    static m3ret_t vectorcall f32reg_op_##NAME(d_m3OpSig)                    \
    {                                                                        \
        return f32reg_body_##NAME(d_m3BaseOpAllArgs, f32_of_register(_fp0)); \
    }                                                                        \
    static inline m3ret_t f32reg_body_##NAME(d_m3BaseOpSig, f32 _fp0)
#define d_m3OpArgs d_m3BaseOpArgs, register_of_f32(_fp0)
#define Call f32reg_Call
#define op_Call f32reg_op_Call
#include "m3_exec.h"
#undef Call
#undef op_Call
#undef d_m3Op
#undef d_m3OpArgs
#define d_m3Op(NAME) M3_NO_UBSAN op_section d_m3RetSig op_##NAME(d_m3OpSig)
#define d_m3OpArgs d_m3ExpOpArgs(_fp0)

/* ---- both widths in one operation ---- */

d_m3Op(pwPromote)
{
    _fp0 = (f64)f32_of_register(_fp0);
    nextOp();
}

d_m3Op(pwDemote)
{
    _fp0 = register_of_f32((f32)_fp0);
    nextOp();
}

#define op_f64_Promote_f32_r op_pwPromote
#define op_f32_Demote_f64_r op_pwDemote

/* ---- the names in the compiler's tables ---- */

#define op_PreserveSetSlot_f32 f32reg_op_PreserveSetSlot_f32
#define op_Select_f32_rrs f32reg_op_Select_f32_rrs
#define op_Select_f32_rsr f32reg_op_Select_f32_rsr
#define op_Select_f32_rss f32reg_op_Select_f32_rss
#define op_Select_f32_srs f32reg_op_Select_f32_srs
#define op_Select_f32_ssr f32reg_op_Select_f32_ssr
#define op_Select_f32_sss f32reg_op_Select_f32_sss
#define op_SetGlobal_f32 f32reg_op_SetGlobal_f32
#define op_SetRegister_f32 f32reg_op_SetRegister_f32
#define op_SetSlot_f32 f32reg_op_SetSlot_f32
#define op_f32_Abs_r f32reg_op_f32_Abs_r
#define op_f32_Abs_s f32reg_op_f32_Abs_s
#define op_f32_Add_rs f32reg_op_f32_Add_rs
#define op_f32_Add_ss f32reg_op_f32_Add_ss
#define op_f32_Ceil_r f32reg_op_f32_Ceil_r
#define op_f32_Ceil_s f32reg_op_f32_Ceil_s
#define op_f32_Convert_i32_r_r f32reg_op_f32_Convert_i32_r_r
#define op_f32_Convert_i32_r_s f32reg_op_f32_Convert_i32_r_s
#define op_f32_Convert_i32_s_r f32reg_op_f32_Convert_i32_s_r
#define op_f32_Convert_i32_s_s f32reg_op_f32_Convert_i32_s_s
#define op_f32_Convert_i64_r_r f32reg_op_f32_Convert_i64_r_r
#define op_f32_Convert_i64_r_s f32reg_op_f32_Convert_i64_r_s
#define op_f32_Convert_i64_s_r f32reg_op_f32_Convert_i64_s_r
#define op_f32_Convert_i64_s_s f32reg_op_f32_Convert_i64_s_s
#define op_f32_Convert_u32_r_r f32reg_op_f32_Convert_u32_r_r
#define op_f32_Convert_u32_r_s f32reg_op_f32_Convert_u32_r_s
#define op_f32_Convert_u32_s_r f32reg_op_f32_Convert_u32_s_r
#define op_f32_Convert_u32_s_s f32reg_op_f32_Convert_u32_s_s
#define op_f32_Convert_u64_r_r f32reg_op_f32_Convert_u64_r_r
#define op_f32_Convert_u64_r_s f32reg_op_f32_Convert_u64_r_s
#define op_f32_Convert_u64_s_r f32reg_op_f32_Convert_u64_s_r
#define op_f32_Convert_u64_s_s f32reg_op_f32_Convert_u64_s_s
#define op_f32_CopySign_rs f32reg_op_f32_CopySign_rs
#define op_f32_CopySign_sr f32reg_op_f32_CopySign_sr
#define op_f32_CopySign_ss f32reg_op_f32_CopySign_ss
#define op_f32_Demote_f64_s f32reg_op_f32_Demote_f64_s
#define op_f32_Divide_rs f32reg_op_f32_Divide_rs
#define op_f32_Divide_sr f32reg_op_f32_Divide_sr
#define op_f32_Divide_ss f32reg_op_f32_Divide_ss
#define op_f32_Equal_rs f32reg_op_f32_Equal_rs
#define op_f32_Equal_ss f32reg_op_f32_Equal_ss
#define op_f32_Floor_r f32reg_op_f32_Floor_r
#define op_f32_Floor_s f32reg_op_f32_Floor_s
#define op_f32_GreaterThanOrEqual_rs f32reg_op_f32_GreaterThanOrEqual_rs
#define op_f32_GreaterThanOrEqual_sr f32reg_op_f32_GreaterThanOrEqual_sr
#define op_f32_GreaterThanOrEqual_ss f32reg_op_f32_GreaterThanOrEqual_ss
#define op_f32_GreaterThan_rs f32reg_op_f32_GreaterThan_rs
#define op_f32_GreaterThan_sr f32reg_op_f32_GreaterThan_sr
#define op_f32_GreaterThan_ss f32reg_op_f32_GreaterThan_ss
#define op_f32_LessThanOrEqual_rs f32reg_op_f32_LessThanOrEqual_rs
#define op_f32_LessThanOrEqual_sr f32reg_op_f32_LessThanOrEqual_sr
#define op_f32_LessThanOrEqual_ss f32reg_op_f32_LessThanOrEqual_ss
#define op_f32_LessThan_rs f32reg_op_f32_LessThan_rs
#define op_f32_LessThan_sr f32reg_op_f32_LessThan_sr
#define op_f32_LessThan_ss f32reg_op_f32_LessThan_ss
#define op_f32_Load_f32_r f32reg_op_f32_Load_f32_r
#define op_f32_Load_f32_s f32reg_op_f32_Load_f32_s
#define op_f32_Max_rs f32reg_op_f32_Max_rs
#define op_f32_Max_ss f32reg_op_f32_Max_ss
#define op_f32_Min_rs f32reg_op_f32_Min_rs
#define op_f32_Min_ss f32reg_op_f32_Min_ss
#define op_f32_Multiply_rs f32reg_op_f32_Multiply_rs
#define op_f32_Multiply_ss f32reg_op_f32_Multiply_ss
#define op_f32_Nearest_r f32reg_op_f32_Nearest_r
#define op_f32_Nearest_s f32reg_op_f32_Nearest_s
#define op_f32_Negate_r f32reg_op_f32_Negate_r
#define op_f32_Negate_s f32reg_op_f32_Negate_s
#define op_f32_NotEqual_rs f32reg_op_f32_NotEqual_rs
#define op_f32_NotEqual_ss f32reg_op_f32_NotEqual_ss
#define op_f32_Reinterpret_i32_r_r f32reg_op_f32_Reinterpret_i32_r_r
#define op_f32_Reinterpret_i32_r_s f32reg_op_f32_Reinterpret_i32_r_s
#define op_f32_Reinterpret_i32_s_r f32reg_op_f32_Reinterpret_i32_s_r
#define op_f32_Reinterpret_i32_s_s f32reg_op_f32_Reinterpret_i32_s_s
#define op_f32_Sqrt_r f32reg_op_f32_Sqrt_r
#define op_f32_Sqrt_s f32reg_op_f32_Sqrt_s
#define op_f32_Store_f32_rr f32reg_op_f32_Store_f32_rr
#define op_f32_Store_f32_rs f32reg_op_f32_Store_f32_rs
#define op_f32_Store_f32_sr f32reg_op_f32_Store_f32_sr
#define op_f32_Store_f32_ss f32reg_op_f32_Store_f32_ss
#define op_f32_Subtract_rs f32reg_op_f32_Subtract_rs
#define op_f32_Subtract_sr f32reg_op_f32_Subtract_sr
#define op_f32_Subtract_ss f32reg_op_f32_Subtract_ss
#define op_f32_Trunc_r f32reg_op_f32_Trunc_r
#define op_f32_Trunc_s f32reg_op_f32_Trunc_s
#define op_i32_Reinterpret_f32_r_r f32reg_op_i32_Reinterpret_f32_r_r
#define op_i32_Reinterpret_f32_r_s f32reg_op_i32_Reinterpret_f32_r_s
#define op_i32_Reinterpret_f32_s_r f32reg_op_i32_Reinterpret_f32_s_r
#define op_i32_Reinterpret_f32_s_s f32reg_op_i32_Reinterpret_f32_s_s
#define op_i32_TruncSat_f32_r_r f32reg_op_i32_TruncSat_f32_r_r
#define op_i32_TruncSat_f32_r_s f32reg_op_i32_TruncSat_f32_r_s
#define op_i32_TruncSat_f32_s_r f32reg_op_i32_TruncSat_f32_s_r
#define op_i32_TruncSat_f32_s_s f32reg_op_i32_TruncSat_f32_s_s
#define op_i32_Trunc_f32_r_r f32reg_op_i32_Trunc_f32_r_r
#define op_i32_Trunc_f32_r_s f32reg_op_i32_Trunc_f32_r_s
#define op_i32_Trunc_f32_s_r f32reg_op_i32_Trunc_f32_s_r
#define op_i32_Trunc_f32_s_s f32reg_op_i32_Trunc_f32_s_s
#define op_i64_TruncSat_f32_r_r f32reg_op_i64_TruncSat_f32_r_r
#define op_i64_TruncSat_f32_r_s f32reg_op_i64_TruncSat_f32_r_s
#define op_i64_TruncSat_f32_s_r f32reg_op_i64_TruncSat_f32_s_r
#define op_i64_TruncSat_f32_s_s f32reg_op_i64_TruncSat_f32_s_s
#define op_i64_Trunc_f32_r_r f32reg_op_i64_Trunc_f32_r_r
#define op_i64_Trunc_f32_r_s f32reg_op_i64_Trunc_f32_r_s
#define op_i64_Trunc_f32_s_r f32reg_op_i64_Trunc_f32_s_r
#define op_i64_Trunc_f32_s_s f32reg_op_i64_Trunc_f32_s_s
#define op_u32_TruncSat_f32_r_r f32reg_op_u32_TruncSat_f32_r_r
#define op_u32_TruncSat_f32_r_s f32reg_op_u32_TruncSat_f32_r_s
#define op_u32_TruncSat_f32_s_r f32reg_op_u32_TruncSat_f32_s_r
#define op_u32_TruncSat_f32_s_s f32reg_op_u32_TruncSat_f32_s_s
#define op_u32_Trunc_f32_r_r f32reg_op_u32_Trunc_f32_r_r
#define op_u32_Trunc_f32_r_s f32reg_op_u32_Trunc_f32_r_s
#define op_u32_Trunc_f32_s_r f32reg_op_u32_Trunc_f32_s_r
#define op_u32_Trunc_f32_s_s f32reg_op_u32_Trunc_f32_s_s
#define op_u64_TruncSat_f32_r_r f32reg_op_u64_TruncSat_f32_r_r
#define op_u64_TruncSat_f32_r_s f32reg_op_u64_TruncSat_f32_r_s
#define op_u64_TruncSat_f32_s_r f32reg_op_u64_TruncSat_f32_s_r
#define op_u64_TruncSat_f32_s_s f32reg_op_u64_TruncSat_f32_s_s
#define op_u64_Trunc_f32_r_r f32reg_op_u64_Trunc_f32_r_r
#define op_u64_Trunc_f32_r_s f32reg_op_u64_Trunc_f32_r_s
#define op_u64_Trunc_f32_s_r f32reg_op_u64_Trunc_f32_s_r
#define op_u64_Trunc_f32_s_s f32reg_op_u64_Trunc_f32_s_s
