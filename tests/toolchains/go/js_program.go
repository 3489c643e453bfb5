// SPDX-License-Identifier: MIT

//go:build js && wasm

// A program that runs to its end. Its first argument says what it does.
package main

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall/js"
	"time"
)

func main() {
	switch os.Args[1] {
	case "goroutines":
		goroutines()
	case "timers":
		timers()
	case "files":
		files()
	case "input":
		input()
	case "environment":
		environment()
	case "exit":
		fmt.Println("leaving")
		os.Exit(7)
	case "panic":
		panic("on purpose")
	case "deadlock":
		<-make(chan int)
	case "sleep":
		time.Sleep(time.Hour)
	case "errors":
		hostErrors()
	case "values":
		values()
	case "promise":
		promise()
	case "random":
		data := make([]byte, 8)
		rand.Read(data)
		fmt.Printf("%x\n", data)
	}
}

func goroutines() {
	var group sync.WaitGroup
	squares := make(chan int)
	for i := 1; i <= 100; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			squares <- i * i
		}()
	}
	go func() { group.Wait(); close(squares) }()
	sum := 0
	for square := range squares {
		sum += square
	}
	fmt.Println(sum)
}

func timers() {
	begin := time.Now()
	late := time.After(40 * time.Millisecond)
	early := time.After(20 * time.Millisecond)
	never := time.AfterFunc(30*time.Millisecond, func() { fmt.Println("never") })
	never.Stop()
	for range 2 {
		select {
		case <-late:
			fmt.Println("late")
		case <-early:
			fmt.Println("early")
		}
	}
	passed := time.Since(begin)
	fmt.Println(passed >= 40*time.Millisecond, time.Now().Location())
}

func check(err error) {
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func files() {
	directory, err := os.Getwd()
	check(err)
	fmt.Println(directory)
	check(os.MkdirAll("a/b", 0o755))
	check(os.WriteFile("a/b/file", []byte("hello"), 0o644))
	check(os.Rename("a/b/file", "a/moved"))
	check(os.Symlink("moved", "a/link"))
	data, err := os.ReadFile("a/link")
	check(err)
	fmt.Println(string(data))
	opened, err := os.OpenFile("a/moved", os.O_RDWR|os.O_APPEND, 0)
	check(err)
	_, err = opened.WriteString(" world")
	check(err)
	_, err = opened.Seek(3, 0)
	check(err)
	line, err := bufio.NewReader(opened).ReadString('\n')
	fmt.Println(line, err)
	check(opened.Truncate(4))
	info, err := opened.Stat()
	check(err)
	fmt.Println(info.Name(), info.Size(), info.Mode())
	check(opened.Close())
	when := time.Unix(1_000_000_000, 0)
	check(os.Chtimes("a/moved", when, when))
	info, err = os.Lstat("a/moved")
	check(err)
	fmt.Println(info.ModTime().Unix())
	check(filepath.WalkDir("/", func(path string, entry fs.DirEntry, err error) error {
		fmt.Println(path, entry.Type(), err)
		return nil
	}))
	target, err := filepath.EvalSymlinks(directory + "/a/link")
	fmt.Println(target, err)
	_, err = os.ReadFile("missing")
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	_, err = os.ReadFile("/elsewhere/secret")
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	_, err = os.ReadFile("a/../../../secret")
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	check(os.Remove("a/link"))
	check(os.RemoveAll("a"))
	check(os.Chdir("/"))
	fmt.Println(os.WriteFile("/above", nil, 0o644))
}

func input() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Println("read", lines.Text())
	}
	fmt.Fprintln(os.Stderr, "end")
}

func environment() {
	fmt.Println(os.Args[2:], os.Getenv("NAME"), os.Getpid(), os.Getuid())
}

// hostErrors recovers from an exception of a host function, and meets a second one.
func hostErrors() {
	func() {
		defer func() { fmt.Println("recovered:", recover()) }()
		js.Global().Call("fail", "first")
	}()
	js.Global().Call("fail", "second")
}

func values() {
	global := js.Global()
	given := global.Get("given")
	fmt.Println(given.Get("text"), given.Get("number"), given.Get("flag"), given.Get("none"))
	fmt.Println(given.Get("missing").IsUndefined(), given.Get("none").IsNull())
	list := given.Get("list")
	fmt.Println(list.Length(), list.Index(1), list.Index(9).IsUndefined())
	data := make([]byte, 3)
	fmt.Println(js.CopyBytesToGo(data, given.Get("data")), data)
	given.Set("answer", js.ValueOf(map[string]any{"list": []any{1, "two", 3.5, true, nil}}))
	array := global.Get("Uint8Array").New(4)
	fmt.Println(js.CopyBytesToJS(array, []byte{1, 2, 3, 4, 5}), array.Length())
	given.Set("bytes", array)
	given.Delete("text")
	title := given.Get("document")
	title.Set("title", title.Get("title").String()+"!")
	fmt.Println(title.Call("shout").String(), title.Get("secret").IsUndefined())
	fmt.Println(title.Equal(given.Get("document")), title.Type(), given.Get("call").Type())
	fmt.Println(array.InstanceOf(global.Get("Uint8Array")), list.InstanceOf(global.Get("Array")))
	fmt.Println(given.Call("call", 6, 7).Int(), given.Get("call").Invoke(2, 0.5).Float())
}

// promise waits for what an async host function returns.
func promise() {
	done := make(chan js.Value)
	then := js.FuncOf(func(this js.Value, args []js.Value) any { done <- args[0]; return nil })
	defer then.Release()
	global := js.Global()
	first, second := global.Call("later", 20), global.Call("later", 1)
	second.Call("then", then)
	fmt.Println((<-done).String())
	first.Call("then", then)
	fmt.Println((<-done).String())
	global.Call("broken").Call("catch", then)
	fmt.Println((<-done).Get("message").String())
}
