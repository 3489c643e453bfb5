// SPDX-License-Identifier: MIT

//go:build js && wasm

// A program that offers functions, and waits for calls.
package main

import (
	"os"
	"strings"
	"syscall/js"
	"time"
)

func main() {
	global := js.Global()
	global.Set("add", js.FuncOf(func(this js.Value, args []js.Value) any {
		return args[0].Int() + args[1].Int()
	}))
	global.Set("upper", js.FuncOf(func(this js.Value, args []js.Value) any {
		return strings.ToUpper(args[0].String())
	}))
	global.Set("sum", js.FuncOf(func(this js.Value, args []js.Value) any {
		data := make([]byte, args[0].Length())
		js.CopyBytesToGo(data, args[0])
		sum := 0
		for _, value := range data {
			sum += int(value)
		}
		return map[string]any{"sum": sum, "size": len(data)}
	}))
	// each calls a function of the host, which may call the guest again.
	global.Set("each", js.FuncOf(func(this js.Value, args []js.Value) any {
		results := []any{}
		for i := range args[0].Length() {
			results = append(results, args[1].Invoke(args[0].Index(i)))
		}
		return results
	}))
	// slowly returns a promise, because a function must not wait itself.
	global.Set("slowly", js.FuncOf(func(this js.Value, args []js.Value) any {
		text := args[0].String()
		executor := js.FuncOf(func(this js.Value, settle []js.Value) any {
			go func() {
				time.Sleep(10 * time.Millisecond)
				if text == "" {
					settle[1].Invoke(js.Global().Get("Error").New("nothing to say"))
					return
				}
				settle[0].Invoke("slowly: " + text)
			}()
			return nil
		})
		defer executor.Release()
		return js.Global().Get("Promise").New(executor)
	}))
	global.Set("file", js.FuncOf(func(this js.Value, args []js.Value) any {
		name := args[0].String()
		go func() {
			data, err := os.ReadFile(name)
			js.Global().Set("content", string(data))
			if err != nil {
				js.Global().Set("content", err.Error())
			}
		}()
		return nil
	}))
	// size waits for the file system itself.
	global.Set("size", js.FuncOf(func(this js.Value, args []js.Value) any {
		data, err := os.ReadFile(args[0].String())
		if err != nil {
			return err.Error()
		}
		return len(data)
	}))
	global.Set("exit", js.FuncOf(func(this js.Value, args []js.Value) any {
		os.Exit(args[0].Int())
		return nil
	}))
	released := js.FuncOf(func(this js.Value, args []js.Value) any { return nil })
	global.Set("released", released)
	released.Release()
	global.Set("deep", js.FuncOf(func(this js.Value, args []js.Value) any { return grow(args[0].Int()) }))
	select {}
}

// grow uses much stack, so that Go moves it while host functions run.
func grow(depth int) int {
	var room [1000]byte
	room[depth%1000] = 1
	if depth == 0 {
		return js.Global().Call("add", 1, 2).Int()
	}
	return grow(depth-1) + int(room[depth%1000])
}
