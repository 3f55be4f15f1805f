package bus

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/bus/cluster"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/natstest"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/loss"
)

// onServer opens a log on a server that another process runs.
func onServer(t *testing.T, s *natstest.Server) testBus {
	t.Helper()
	server, err := cluster.Open(t.Context(), cluster.Config{URLs: []string{s.URL}}, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(t.Context(), server, Config{Name: "test", Shared: true, Logger: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return testBus{Bus: b}
}

// A follower reads a log that has taken the place of another one from its start, also if
// the second log is already longer than what was read of the first one.
func TestFollowAcrossADeletion(t *testing.T) {
	s := natstest.Start(t, natstest.Options{})
	b := onServer(t, s)
	for n := range 5 {
		put(t, b, fmt.Sprintf("a 1.%d", n+1))
	}
	pattern, err := key.ParsePattern("#")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for m, err := range b.Follow(deadline(t), pattern, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if m.Loss != nil {
			got = append(got, string(m.Loss.Cause))
		} else {
			got = append(got, text(&m))
		}
		if len(got) == 5 {
			if err := b.js.DeleteStream(deadline(t), b.stream); err != nil {
				t.Fatal(err)
			}
			next := onServer(t, s)
			for n := range 20 {
				put(t, next, fmt.Sprintf("a 2.%d", n+1))
			}
		}
		if last := got[len(got)-1]; last == "a 2.20" {
			break
		}
	}
	for n := range 5 {
		want = append(want, fmt.Sprintf("a 1.%d", n+1))
	}
	for n := range 20 {
		want = append(want, fmt.Sprintf("a 2.%d", n+1))
	}
	// What was logged of the first log after the last look at it is not known here.
	got = slices.DeleteFunc(got, func(m string) bool { return m == string(loss.LogMissing) })
	if !slices.Equal(got, want) {
		t.Errorf("followed %q", got)
	}
}

var _ = slog.Logger{}
var _ = history.Position{}
var _ = time.Second
