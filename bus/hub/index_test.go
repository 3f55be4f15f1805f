package hub

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
)

// TestIndex compares counts with those of all sequences.
func TestIndex(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var all []uint64
	var x index
	reads := 0
	x.read = func(_ context.Context, c chunk, take func(from origin)) error {
		reads++
		for at := c.from; at <= c.to; at++ {
			take(origin{all[at], "log"})
			take(origin{all[at], "log"})   // a repeated message
			take(origin{all[at], "other"}) // and one of another log
		}
		return nil
	}
	sequence := uint64(100)
	for at := range uint64(5*chunkMessages + 17) {
		all = append(all, sequence)
		x.add(sequence, at)
		sequence += 1 + random.Uint64N(3)
	}
	brute := func(from, to uint64) (n uint64) {
		for _, s := range all {
			if from <= s && s <= to {
				n++
			}
		}
		return n
	}
	for range 300 {
		from := random.Uint64N(sequence + 100)
		to := from + random.Uint64N(sequence)
		if got, err := x.count(t.Context(), "log", from, to); err != nil || got != brute(from, to) {
			t.Fatalf("%d to %d: %d, %v; want %d", from, to, got, err, brute(from, to))
		}
		if middle := x.middle(from, to); from < to && (middle < from || middle >= to) {
			t.Fatalf("%d to %d is halved at %d", from, to, middle)
		}
	}
	reads = 0
	for from, to := all[0], all[len(all)-1]; from < to; to = x.middle(from, to) {
		if _, err := x.count(t.Context(), "log", from, to); err != nil {
			t.Fatal(err)
		}
	}
	if reads != 1 {
		t.Errorf("to halve a range until one is left reads %d chunks", reads)
	}
	x.loaded = nil
	x.read = func(context.Context, chunk, func(origin)) error { return nil }
	if _, err := x.count(t.Context(), "log", all[1], all[2]); !errors.Is(err, errDiscarded) {
		t.Errorf("messages that are gone: %v", err)
	}
}
