package bus

import (
	"context"
	"fmt"
	"testing"

	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/records"
)

func TestFollowYieldsWhatLiesBehindAndThenWhatComes(t *testing.T) {
	b := open(t, setup{})
	reg := registry(t)
	logged := records.Config{Kind: records.Ring, Capacity: 1000, Logged: true}
	vienna, graz := register(t, reg, "temp::vienna", logged), register(t, reg, "rain::graz", logged)
	republish(t, b, reg)
	for i := range 10 {
		vienna.Produce(reading{i})
		graz.Produce(reading{i})
		if _, err := b.Flush(deadline(t), reg); err != nil {
			t.Fatal(err)
		}
	}
	for text, c := range map[string]struct {
		first int
		after uint64
	}{"temp::*": {0, 0}, "temp.vienna": {5, 10}, "#": {9, 18}} {
		t.Run(text, func(t *testing.T) {
			pattern, err := key.ParsePattern(text)
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(deadline(t))
			defer stop()
			next, end := c.first, int(vienna.Untyped().Produced())+5
			for m, err := range b.Follow(ctx, pattern, c.after) {
				if err != nil {
					t.Fatal(err)
				}
				if m.Record != "temp::vienna" {
					continue
				}
				if want := fmt.Sprintf(`{"n":%d}`, next); string(m.Value) != want {
					t.Fatalf("value %s, want %s", m.Value, want)
				}
				if next++; next == end {
					stop()
				} else if next >= end-5 {
					vienna.Produce(reading{next})
				}
			}
			if next != end {
				t.Fatalf("followed to %d, want %d", next, end)
			}
		})
	}
}

func TestFilterMatchesAtLeastThePattern(t *testing.T) {
	b := &Bus{subjects: subjects{"db"}}
	for text, want := range map[string]string{
		"a::b":   "aimdb.db.log.a.b",
		"a.b.*":  "aimdb.db.log.a.b.>",
		"a.#":    "aimdb.db.log.>",
		"#":      "aimdb.db.log.>",
		"a.b*.c": "aimdb.db.log.>",
	} {
		if got := b.filter(logKind, key.WirePattern(text)); got != want && text != "a.b*.c" {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
