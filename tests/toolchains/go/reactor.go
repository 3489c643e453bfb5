// SPDX-License-Identifier: MIT

//go:build wasip1

// A library (a reactor): the host calls its functions. Strings go in through memory that the host
// asks for, and come out as an address and a size.
package main

import (
	"sort"
	"strings"
	"unsafe"
)

// buffers keeps what the host uses from being collected.
var buffers = map[uintptr][]byte{}

//go:wasmexport allocate
func allocate(size int32) uint32 {
	data := make([]byte, max(size, 1))
	address := uintptr(unsafe.Pointer(&data[0]))
	buffers[address] = data
	return uint32(address)
}

//go:wasmexport release
func release(address uint32) {
	delete(buffers, uintptr(address))
}

// words sorts the words of a text. The result has the address in its upper half, and the size in
// its lower one; the host releases it.
//
//go:wasmexport words
func words(address uint32, size int32) uint64 {
	found := strings.Fields(string(buffers[uintptr(address)][:size]))
	sort.Strings(found)
	text := strings.Join(found, " ")
	result := allocate(int32(len(text)))
	copy(buffers[uintptr(result)], text)
	return uint64(result)<<32 | uint64(len(text))
}

//go:wasmexport held
func held() int32 { return int32(len(buffers)) }

func main() {}
