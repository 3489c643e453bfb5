// SPDX-License-Identifier: MIT

//go:build wasip1

// Go's html/template as a library for a host. Texts go in through memory that the host asks for,
// and come out as an address and a size.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"html/template"
	"unsafe"
)

const maxMessageSize = 4096

var templates = template.New("")

// buffers keeps what the host uses from being collected.
var buffers = map[uint32][]byte{}

//go:wasmexport allocate
func allocate(size uint32) uint32 {
	data := make([]byte, max(size, 1))
	address := uint32(uintptr(unsafe.Pointer(&data[0])))
	buffers[address] = data
	return address
}

//go:wasmexport release
func release(address uint32) {
	delete(buffers, address)
}

// text is what the host wrote into a buffer.
func text(address, size uint32) string {
	return string(buffers[address][:size])
}

// answer gives the host a text, which it releases. Address and size are the halves of the result.
// The first byte of the text says whether it is a result or the message of an error.
func answer(result []byte, err error) uint64 {
	if err != nil {
		message := err.Error()
		result = append([]byte{'-'}, message[:min(len(message), maxMessageSize)]...)
	}
	address := allocate(uint32(len(result)))
	copy(buffers[address], result)
	return uint64(address)<<32 | uint64(len(result))
}

// define parses a template, which others may then use by its name.
//
//go:wasmexport define
func define(name, nameSize, source, sourceSize uint32) uint64 {
	_, err := templates.New(text(name, nameSize)).Parse(text(source, sourceSize))
	return answer([]byte{'+'}, err)
}

// prepare finds out, once for all renderings, how each place of a template is to be escaped. It
// says which template has a place for which this cannot be known. To do so it executes each
// template until it writes something.
//
//go:wasmexport prepare
func prepare() uint64 {
	for _, each := range templates.Templates() {
		var mistake *template.Error
		if err := each.Execute(&limited{}, nil); errors.As(err, &mistake) {
			return answer(nil, err)
		}
	}
	return answer([]byte{'+'}, nil)
}

// render executes a template with data, which are JSON.
//
//go:wasmexport render
func render(name, nameSize, data, dataSize, maxSize uint32) uint64 {
	decoder := json.NewDecoder(bytes.NewReader(buffers[data][:dataSize]))
	decoder.UseNumber()
	var values any
	if err := decoder.Decode(&values); err != nil {
		return answer(nil, err)
	}
	output := &limited{data: []byte{'+'}, rest: int(maxSize)}
	err := templates.ExecuteTemplate(output, text(name, nameSize), numbers(values))
	return answer(output.data, err)
}

// limited keeps what is written to it, and refuses more than some bytes.
type limited struct {
	data []byte
	rest int
}

func (output *limited) Write(data []byte) (int, error) {
	if len(data) > output.rest {
		return 0, errors.New("the result is too long")
	}
	output.rest -= len(data)
	output.data = append(output.data, data...)
	return len(data), nil
}

// numbers makes int64 of those numbers of JSON that are integers, and float64 of the others.
func numbers(value any) any {
	switch value := value.(type) {
	case json.Number:
		if integer, err := value.Int64(); err == nil {
			return integer
		}
		float, _ := value.Float64()
		return float
	case []any:
		for i, item := range value {
			value[i] = numbers(item)
		}
	case map[string]any:
		for key, item := range value {
			value[key] = numbers(item)
		}
	}
	return value
}

func main() {} // A library has one, but it is not called.
