package aimdb_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/history"
)

// sendNumbers gives records the numbers from first to last.
func sendNumbers(t *testing.T, first, last int, rs ...*aimdb.Record[int]) {
	t.Helper()
	for n := first; n <= last; n++ {
		for _, r := range rs {
			if err := r.Send(t.Context(), n); err != nil {
				t.Error(err)
				return
			}
		}
	}
}

// Values are sent before, while and after Follow finds the seam, so that some
// must come from history and some from the log.
func TestFollowHasNoGapAndNoDuplicateAtTheSeam(t *testing.T) {
	defer goleak.VerifyNone(t)
	db := open(t, t.TempDir())
	r := register[int](t, db, "n", aimdb.Ring(16), aimdb.Persist(), aimdb.Lossless())
	stop := start(t, db)
	const before, meanwhile, last = 500, 2000, 2500
	sendNumbers(t, 1, before, r)
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	begun, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		sendNumbers(t, before+1, meanwhile, r)
		<-begun
		sendNumbers(t, meanwhile+1, last, r)
	}()
	want, seams := 1, 0
	var half [2]int // from history, and live
	for event, err := range aimdb.Follow[int](t.Context(), db, "#", time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		if event.CaughtUp {
			seams++
			continue
		}
		if want == 1 {
			close(begun)
		}
		if event.Value != want {
			t.Fatalf("got %d, want %d", event.Value, want)
		}
		half[min(seams, 1)]++
		if want++; want > last {
			break
		}
	}
	if seams != 1 || half[0] < before || half[1] < last-meanwhile {
		t.Errorf("%d seams; %d values before, want %d or more, and %d behind, want %d or more",
			seams, half[0], before, half[1], last-meanwhile)
	}
	<-done
	stop()
}

// bite takes n values behind a position, or from the beginning.
func bite(t *testing.T, db *aimdb.DB, position string, n int) []aimdb.Event[int] {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	follow := aimdb.FollowAfter[int](ctx, db, position)
	if position == "" {
		follow = aimdb.Follow[int](ctx, db, "n.*", time.Time{})
	}
	var got []aimdb.Event[int]
	for event, err := range follow {
		if err != nil {
			t.Fatal(err)
		}
		if event.CaughtUp {
			continue
		}
		if got = append(got, event); len(got) == n {
			return got
		}
	}
	t.Fatalf("%d values came, want %d", len(got), n)
	return nil
}

// Whoever follows goes away again and again, and so does the database.
func TestFollowAfterGoesOnWhereItStood(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	var db *aimdb.DB
	var rs []*aimdb.Record[int]
	var stop func()
	restart := func() {
		if stop != nil {
			stop()
		}
		db, rs = open(t, dir), nil
		for _, key := range []string{"n::a", "n::b"} {
			rs = append(rs, register[int](t, db, key, aimdb.Ring(16), aimdb.Persist(), aimdb.Lossless()))
		}
		stop = start(t, db)
	}
	restart()
	const first, last, size = 300, 400, 37 // many share a millisecond
	sendNumbers(t, 1, first, rs...)
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	next, position := map[string]int{}, ""
	for bites, got := 0, 0; got < 2*last; bites++ {
		switch bites {
		case 4: // within history
			restart()
			sendNumbers(t, first+1, last, rs...)
		case 18: // within what came from the log
			restart()
		}
		events := bite(t, db, position, min(size, 2*last-got))
		for _, event := range events {
			if next[event.Record]++; event.Value != next[event.Record] {
				t.Fatalf("bite %d: %s has %d, want %d", bites, event.Record, event.Value, next[event.Record])
			}
		}
		got += len(events)
		position = events[len(events)-1].Position()
	}
	sendNumbers(t, last+1, last+1, rs...)
	for _, event := range bite(t, db, position, 2) {
		if event.Value != last+1 {
			t.Errorf("behind the end comes %d of %s, want %d", event.Value, event.Record, last+1)
		}
	}
	stop()
}

// positions returns those of a row, of the marker and of a live value.
func positions(t *testing.T, db *aimdb.DB, r *aimdb.Record[int]) []string {
	t.Helper()
	sendNumbers(t, 1, 2, r)
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all []string
	for event, err := range aimdb.Follow[int](t.Context(), db, "n", time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		if event.CaughtUp {
			sendNumbers(t, 3, 4, r)
		}
		if event.CaughtUp || event.Value%2 == 1 {
			all = append(all, event.Position())
		}
		if len(all) == 3 {
			break
		}
	}
	return all
}

func refused(t *testing.T, db *aimdb.DB, position string) error {
	t.Helper()
	for event, err := range aimdb.FollowAfter[int](t.Context(), db, position) {
		if err != nil {
			return err
		}
		t.Errorf("behind a position that cannot be resumed comes %+v", event)
		break
	}
	return nil
}

// Where what follows a position is not there any more, that is said.
func TestFollowAfterAPositionThatIsGone(t *testing.T) {
	defer goleak.VerifyNone(t)
	for name, lose := range map[string]func(dir string) []aimdb.Option{
		"log deleted": func(dir string) []aimdb.Option {
			if err := os.RemoveAll(filepath.Join(dir, "log")); err != nil {
				t.Fatal(err)
			}
			return nil
		},
		"log discarded": func(string) []aimdb.Option { return []aimdb.Option{aimdb.LogLimits(time.Hour, 16<<10)} },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			db := open(t, dir)
			r := register[int](t, db, "n", aimdb.Ring(16), aimdb.Persist(), aimdb.Lossless())
			stop := start(t, db)
			all := positions(t, db, r)
			stop()
			db = open(t, dir, lose(dir)...)
			r = register[int](t, db, "n", aimdb.Ring(16), aimdb.Persist(), aimdb.Lossless())
			stop = start(t, db)
			sendNumbers(t, 5, 1000, r)
			if err := db.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(all) != 3 {
				t.Fatalf("%d positions, want 3", len(all))
			}
			for i, position := range all {
				if err := refused(t, db, position); !errors.Is(err, aimdb.ErrPositionGone) {
					t.Errorf("position %d: %v, want that it is gone", i, err)
				}
			}
			stop()
		})
	}
}

func TestFollowAfterAPositionThatIsNone(t *testing.T) {
	defer goleak.VerifyNone(t)
	db := open(t, t.TempDir())
	r := register[int](t, db, "n", aimdb.Ring(16), aimdb.Persist(), aimdb.Lossless())
	stop := start(t, db)
	good := positions(t, db, r)[0]
	for _, position := range []string{"", "forged", "AAAA", good[1:], good[:len(good)-3], good[:20] + "x" + good[21:]} {
		var query *history.QueryError
		if err := refused(t, db, position); !errors.As(err, &query) {
			t.Errorf("position %q: %v, want that it is none", position, err)
		}
	}
	stop()
}
