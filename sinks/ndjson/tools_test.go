package ndjson_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/sinks/ndjson"
)

// TestZstdcat: the tool of the makers of zstd reads all files, the open one too, and
// gives the whole batches of a copy of the open file that is cut.
func TestZstdcat(t *testing.T) {
	if _, err := exec.LookPath("zstd"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("zstd is not installed")
		}
		t.Skip("zstd is not installed (apt-get install zstd)")
	}
	dir := t.TempDir()
	s := open(t, dir, ndjson.RotateBytes(3000))
	for n := 1; n <= 20; n++ {
		write(t, s, numbered(n))
	}
	files := dataFiles(t, dir)
	if len(files) < 3 {
		t.Fatalf("%d files", len(files))
	}
	out, err := exec.Command("zstd", append([]string{"-dcq"}, files[:len(files)-1]...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	current := files[len(files)-1]
	if !strings.HasSuffix(current, ".open") {
		t.Fatalf("%s is not open", current)
	}
	data := read(t, current)
	tail, err := zstdcat(t, data)
	if err != nil {
		t.Fatal(err)
	}
	got := parseLines[row](t, append(out, tail...))
	if len(got) != 20*perBatch {
		t.Fatalf("%d rows", len(got))
	}
	for i, r := range got {
		if r.Time != int64(i+1) || !bytes.Equal(r.Value, value(i+1)) {
			t.Fatalf("row %d is %+v", i, r)
		}
	}
	write(t, s, numbered(21))
	data = read(t, current)
	cut, err := zstdcat(t, data[:len(data)-9])
	if err == nil || !bytes.HasPrefix(cut, tail) {
		t.Errorf("a cut copy gave %d bytes and %v, want the %d of the whole batches and an error", len(cut), err, len(tail))
	}
}

func zstdcat(t *testing.T, data []byte) ([]byte, error) {
	t.Helper()
	cmd := exec.Command("zstd", "-dcq")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(data), t.Output()
	return cmd.Output()
}
