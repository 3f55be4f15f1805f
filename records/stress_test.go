package records_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/records"
)

// random returns a source whose seed is printed when the test fails.
func random(t *testing.T) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

// stamped is a value with its writer.
type stamped struct{ Writer, Count int }

// TestStress lets writers write while readers of all sorts come and go. The
// model of what a reader may see is simple: the values of each writer in rising
// order, and every value it did not see between its first and its last counted
// as missed.
func TestStress(t *testing.T) {
	rng := random(t)
	for range 10 {
		const writers, each = 4, 3000
		r := records.NewRegistry(records.RegistryOptions{})
		record := register[stamped](t, r, "a", logged(1+rng.IntN(100)))
		feed := r.NewFeed(records.LogReader, r.Records())
		var writing, reading sync.WaitGroup
		for writer := range writers {
			writing.Go(func() {
				for count := range each {
					record.Produce(stamped{writer, count + 1})
				}
			})
		}
		var mu sync.Mutex
		var consumed, dropped uint64
		for range 6 {
			stays := rng.IntN(2) == 0
			leaves := rng.IntN(3000)
			reading.Go(func() {
				for {
					got, missed, ended := readSome(t, record, stays, leaves)
					mu.Lock()
					consumed += got
					dropped += missed
					mu.Unlock()
					if ended {
						return
					}
				}
			})
		}
		reading.Go(func() {
			got, missed := takeAll(t, feed, writers*each)
			mu.Lock()
			defer mu.Unlock()
			consumed += got
			dropped += missed
		})
		writing.Wait()
		r.Close()
		reading.Wait()
		m := record.Untyped().Metrics()
		if m.Produced != writers*each || m.Consumed != consumed || m.Dropped != dropped {
			t.Errorf("metrics %+v, but readers got %d and missed %d", m, consumed, dropped)
		}
		if m.Readers != 1 { // the feed
			t.Errorf("%d readers are left", m.Readers)
		}
	}
}

// readSome is one reader that leaves after some values, or stays to the end.
func readSome(t *testing.T, record *records.Record[stamped], stays bool, leaves int) (got, missed uint64, ended bool) {
	reader := record.Subscribe("stress")
	defer reader.Close()
	var last [4]int
	for stays || got < uint64(leaves) {
		v, err := reader.Receive(t.Context())
		if err != nil {
			ended = true
			break
		}
		got++
		if v.Count <= last[v.Writer] {
			t.Errorf("value %d of writer %d came after %d", v.Count, v.Writer, last[v.Writer])
		}
		last[v.Writer] = v.Count
	}
	return got, reader.Missed(), ended || leaves == 0
}

// takeAll is the feed: it must see or miss every number.
func takeAll(t *testing.T, feed *records.Feed, produced uint64) (got, missed uint64) {
	dst := make([]records.Item, 100)
	number := uint64(0)
	for {
		n, err := feed.Take(t.Context(), dst)
		if err != nil {
			break
		}
		for _, item := range dst[:n] {
			got++
			missed += item.Missed
			if number += item.Missed + 1; item.Number != number {
				t.Errorf("value %d came in place of %d", item.Number, number)
			}
		}
	}
	if got+missed != produced {
		t.Errorf("the feed got %d and missed %d of %d", got, missed, produced)
	}
	return got, missed
}

// FuzzRing runs random operations on a ring and on a slice that never forgets.
func FuzzRing(f *testing.F) {
	f.Add(uint8(3), []byte{0, 0, 0, 0, 1, 1, 2, 0, 1, 3})
	f.Add(uint8(1), []byte{2, 0, 0, 1, 5, 1, 0, 4, 1, 1})
	f.Fuzz(func(t *testing.T, capacity uint8, operations []byte) {
		size := int(capacity%9) + 1
		r := records.NewRegistry(records.RegistryOptions{})
		defer r.Close()
		record := register[int](t, r, "a", ring(size))
		var all []int // the model of the record
		type pair struct {
			reader *records.Reader[int]
			at     int // the model of the reader: the index of its next value
			missed int
		}
		var readers []pair
		defer func() {
			for _, p := range readers {
				p.reader.Close()
			}
		}()
		for i, op := range operations {
			which := int(op / 4)
			switch op % 4 {
			case 0, 1:
				all = append(all, i)
				record.Produce(i)
				if v, ok := record.Latest(); v != i || !ok {
					t.Fatalf("latest is %d, want %d", v, i)
				}
			case 2:
				readers = append(readers, pair{reader: record.Subscribe("fuzz"), at: len(all)})
			case 3:
				if len(readers) == 0 {
					continue
				}
				p := &readers[which%len(readers)]
				if which%16 == 15 {
					p.reader.Close()
					if _, ok := p.reader.TryReceive(); ok {
						t.Fatal("a closed reader got a value")
					}
					readers = slices.Delete(readers, which%len(readers), which%len(readers)+1)
					continue
				}
				if oldest := len(all) - size; p.at < oldest {
					p.missed += oldest - p.at
					p.at = oldest
				}
				v, ok := p.reader.TryReceive()
				if ok != (p.at < len(all)) || ok && v != all[p.at] {
					t.Fatalf("got %d, %v; the model is at %d of %v", v, ok, p.at, all)
				}
				if ok {
					p.at++
				}
				if got := p.reader.Missed(); got != uint64(p.missed) {
					t.Fatalf("missed %d, the model says %d", got, p.missed)
				}
			}
		}
		if m := record.Untyped().Metrics(); m.Items != min(size, len(all)) || m.Readers != len(readers) {
			t.Fatalf("metrics %+v; the model has %d values and %d readers", m, len(all), len(readers))
		}
	})
}
