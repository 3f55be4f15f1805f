package docfile

import (
	"flag"
	"os"
	"testing"
)

// Check fails if the document at path, relative to the package of the test, does not have
// text. With the flag named update it writes the document instead.
func Check(t *testing.T, update *bool, path, text string) {
	t.Helper()
	was, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if string(was) == text {
		return
	}
	if !*update {
		t.Fatalf("%s is stale; run go test with -run %s -update in this package", path, t.Name())
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Flag defines the flag that lets Check write.
func Flag() *bool { return flag.Bool("update", false, "write the documents that tests make") }
