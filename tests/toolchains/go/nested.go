// SPDX-License-Identifier: MIT

// Reads and writes JSON whose lists are nested as deep as its argument says.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

func main() {
	depth, _ := strconv.Atoi(os.Args[1])
	text := strings.Repeat("[", depth) + strings.Repeat("]", depth)
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		fmt.Println(err)
		return
	}
	out, err := json.Marshal(value)
	fmt.Println(string(out) == text, err)
}
