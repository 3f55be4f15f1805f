package main

import (
	"debug/elf"
	"os"
	"runtime"
	"testing"
)

// TestUnusedMethodsAreNotLinked: a call of reflect.Value.Method with a number or with a
// name that is not constant makes the linker keep all exported methods, which is a tenth of
// the binary. Whatever calls it by way of a dependency keeps the templates of cobra, which
// nothing here uses.
func TestUnusedMethodsAreNotLinked(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the binary is not in the format ELF")
	}
	f, err := elf.Open(os.Getenv(binaryVariable))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		if s.Name == "text/template.(*Template).Execute" {
			t.Error("text/template is linked; find who keeps it with: go build -ldflags='-dumpdep -v=2' ./cmd/aimdb")
		}
	}
}
