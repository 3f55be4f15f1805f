package hub

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/aimdb-go/aimdb/internal/needed"
)

func decoded[T any](t *testing.T, text []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hub")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// reference returns the folder of reference data, which is no part of the
// repository. Without it there is nothing to check, but CI must have it.
func reference(t *testing.T) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "weather")
	if _, err := os.Stat(dir); err != nil {
		needed.Missing(t, "the reference data in %s beside the repository", dir)
	}
	return dir
}
