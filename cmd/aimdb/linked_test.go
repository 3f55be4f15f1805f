package main

import (
	"debug/elf"
	"debug/gosym"
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
	defer func() { _ = f.Close() }()             // it was only read
	lines, err := f.Section(".gopclntab").Data() // which a binary without symbols has too
	if err != nil {
		t.Fatal(err)
	}
	functions, err := gosym.NewTable(nil, gosym.NewLineTable(lines, f.Section(".text").Addr))
	if err != nil {
		t.Fatal(err)
	}
	if functions.LookupFunc("main.main") == nil {
		t.Fatal("main.main is not found either")
	}
	if functions.LookupFunc("text/template.(*Template).execute") != nil {
		t.Error("text/template is linked; find who keeps it with: go build -ldflags='-dumpdep -v=2' ./cmd/aimdb")
	}
}
