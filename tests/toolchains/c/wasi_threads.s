# SPDX-License-Identifier: MIT

# wasi_thread_start(tid, launch): the host calls this in a new instance of the module. The first
# words of the launch are the top of the thread's stack, and the address of its thread-local storage.
# At the end the thread has no stack anymore, because another may free it as soon as the lock is open.

	.globaltype	__stack_pointer, i32
	.globaltype	__tls_base, i32
	.functype	run_thread (i32, i32) -> ()

	.globl	wasi_thread_start
	.export_name	wasi_thread_start, wasi_thread_start
	.section	.text.wasi_thread_start,"",@
	.type	wasi_thread_start,@function
wasi_thread_start:
	.functype	wasi_thread_start (i32, i32) -> ()
	local.get	1
	i32.load	0
	global.set	__stack_pointer
	local.get	1
	i32.load	4
	global.set	__tls_base
	local.get	0
	local.get	1
	call	run_thread
	i32.const	__thread_list_lock
	i32.const	0
	i32.atomic.store	0
	i32.const	__thread_list_lock
	i32.const	1
	memory.atomic.notify	0
	drop
	end_function
