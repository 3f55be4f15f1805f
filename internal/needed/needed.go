package needed

import (
	"os"
	"testing"
)

// Missing skips a test, or fails it if the variable CI is "true". The text names what is
// missing.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("CI must have "+format, args...)
	}
	t.Skipf("skipped: it needs "+format, args...)
}
