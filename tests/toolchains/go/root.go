// SPDX-License-Identifier: MIT

// Opens a directory with few rights, and reads, writes and lists below it.
package main

import (
	"fmt"
	"io/fs"
	"os"
)

func main() {
	root, err := os.OpenRoot("/data")
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := root.ReadFile("inner/file")
	fmt.Printf("%q %v\n", text, err)
	fmt.Println(root.WriteFile("inner/new", []byte("new"), 0o644))
	entries, err := fs.ReadDir(root.FS(), "inner")
	fmt.Println(len(entries), err)
	_, err = root.ReadFile("../secret")
	fmt.Println(err != nil)
}
