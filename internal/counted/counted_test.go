package counted_test

import (
	"testing"

	"github.com/aimdb-go/aimdb/internal/counted"
)

func TestOf(t *testing.T) {
	for n, want := range map[int]string{0: "0 dead letters are", 1: "1 dead letter is", 2: "2 dead letters are"} {
		if got := counted.Of(n, "dead letter") + " " + counted.Verb(n, "is", "are"); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
