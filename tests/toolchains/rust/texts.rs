// SPDX-License-Identifier: MIT
// A library for wasm32-unknown-unknown without wasm-bindgen. Texts come and go as a pointer and a
// length; the host takes memory with `take` and gives it back with `give`.

use std::alloc::{alloc, dealloc, Layout};

#[link(wasm_import_module = "host")]
extern "C" {
    fn log(pointer: *const u8, length: usize);
}

/// Returns memory for `size` bytes, or null.
#[no_mangle]
pub extern "C" fn take(size: usize) -> *mut u8 {
    match Layout::from_size_align(size.max(1), 1) {
        Ok(layout) => unsafe { alloc(layout) },
        Err(_) => std::ptr::null_mut(),
    }
}

/// Gives back memory that `take`, or a function that returns a text, gave.
#[no_mangle]
pub unsafe extern "C" fn give(pointer: *mut u8, size: usize) {
    dealloc(pointer, Layout::from_size_align_unchecked(size.max(1), 1));
}

/// Returns the pointer to a text and its length in one number: the length is in the upper half.
fn returned(text: String) -> u64 {
    let mut bytes = text.into_bytes().into_boxed_slice();
    let packed = (bytes.len() as u64) << 32 | bytes.as_mut_ptr() as u64;
    std::mem::forget(bytes);
    packed
}

unsafe fn text<'a>(pointer: *const u8, length: usize) -> &'a str {
    std::str::from_utf8(std::slice::from_raw_parts(pointer, length)).expect("the text is not UTF-8")
}

/// Returns a text with its words in reverse order.
#[no_mangle]
pub unsafe extern "C" fn reverse_words(pointer: *const u8, length: usize) -> u64 {
    let words: Vec<&str> = text(pointer, length).split_whitespace().rev().collect();
    returned(words.join(" "))
}

/// Writes each line of a text to the host, and returns how many there are.
#[no_mangle]
pub unsafe extern "C" fn log_lines(pointer: *const u8, length: usize) -> u32 {
    let mut count = 0;
    for line in text(pointer, length).lines() {
        log(line.as_ptr(), line.len());
        count += 1;
    }
    count
}

/// Returns the mean of numbers; it panics if there are none.
#[no_mangle]
pub unsafe extern "C" fn mean(pointer: *const f64, length: usize) -> f64 {
    let numbers = std::slice::from_raw_parts(pointer, length);
    if numbers.is_empty() {
        panic!("there are no numbers");
    }
    numbers.iter().sum::<f64>() / numbers.len() as f64
}
