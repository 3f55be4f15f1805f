package archtest_test

import (
	"strings"
	"testing"
)

// TestSQLiteLibc: modernc.org/sqlite is translated against one version of its
// libc, and another one corrupts memory.
func TestSQLiteLibc(t *testing.T) {
	mod := strings.TrimSpace(string(goTool(t, "list", "-m", "-f", "{{.GoMod}}", "modernc.org/sqlite")))
	have := strings.TrimSpace(string(goTool(t, "list", "-m", "-f", "{{.Version}}", "modernc.org/libc")))
	var pinned struct {
		Require []struct{ Path, Version string }
	}
	decode(t, goTool(t, "mod", "edit", "-json", mod), &pinned)
	for _, r := range pinned.Require {
		if r.Path == "modernc.org/libc" {
			if r.Version != have {
				t.Errorf("modernc.org/libc is %s, modernc.org/sqlite pins %s: go get modernc.org/libc@%s", have, r.Version, r.Version)
			}
			return
		}
	}
	t.Fatalf("modernc.org/sqlite does not require modernc.org/libc in %s any more: drop this test", mod)
}
