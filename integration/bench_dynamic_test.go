package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/ingest"
)

// dynamicRecords is how many records the benchmarks make.
const dynamicRecords = 10_000

// BenchmarkDynamic makes ten thousand records for keys from outside, each with one value
// that is stored, and starts a database that brings them back, against the start of one
// that has as many names in its history and makes no records of them.
func BenchmarkDynamic(b *testing.B) {
	var made, heap, starts, ratios []float64
	for b.Loop() {
		dir := b.TempDir()
		db, stop := runDynamicDB(b, dir, dynamicRecords)
		before := liveHeap()
		begin := time.Now()
		makeDynamic(b, db)
		if err := db.Flush(b.Context()); err != nil {
			b.Fatal(err)
		}
		made = append(made, time.Since(begin).Seconds()/dynamicRecords*1e6)
		heap = append(heap, float64(liveHeap()-before)/dynamicRecords)
		stop()
		begin = time.Now()
		db, stop = runDynamicDB(b, dir, dynamicRecords)
		took := time.Since(begin).Seconds()
		if n := len(db.Registry().Records()); n != dynamicRecords {
			b.Fatalf("%d records are back", n)
		}
		stop()
		begin = time.Now()
		_, stop = runDynamicDB(b, dir, 0)
		starts, ratios = append(starts, took), append(ratios, took/time.Since(begin).Seconds())
		stop()
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(made), "us-to-stored/record")
	b.ReportMetric(median(heap), "B/record")
	b.ReportMetric(median(starts), "s-to-ready")
	b.ReportMetric(median(ratios), "x-without")
}

// BenchmarkDynamicSet sets a record that was made for a key, against one that was
// registered before Run in a database that makes none.
func BenchmarkDynamicSet(b *testing.B) {
	for _, limit := range []int{0, 10} {
		b.Run(fmt.Sprintf("dynamic=%v", limit > 0), func(b *testing.B) {
			db, err := openDynamic(b.TempDir(), b.TempDir(), limit)
			if err != nil {
				b.Fatal(err)
			}
			if limit == 0 {
				if _, err := aimdb.Register[json.RawMessage](db, "a.b", aimdb.Latest(), aimdb.Persist(), aimdb.Writable()); err != nil {
					b.Fatal(err)
				}
			}
			defer runUntil(b, db)()
			value := json.RawMessage(`{"celsius":21.5}`)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := db.Ingest().Set(nil, "a.b", value); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// makeDynamic sets as many new keys and waits for the log.
func makeDynamic(b *testing.B, db *aimdb.DB) {
	pending := make([]ingest.Pending, 0, dynamicRecords)
	for i := range dynamicRecords {
		p, err := db.Ingest().SetLogged(b.Context(), nil, fmt.Sprintf("site.%d.temperature", i), json.RawMessage(`{"celsius":21.5}`))
		if err != nil {
			b.Fatal(err)
		}
		pending = append(pending, p)
	}
	for _, p := range pending {
		if err := p.Wait(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func liveHeap() int64 {
	runtime.GC()
	runtime.GC() // what finalizers and pools held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// runDynamicDB opens a database and returns when it is ready.
func runDynamicDB(b *testing.B, dir string, limit int) (*aimdb.DB, func()) {
	b.Helper()
	db, err := openDynamic(dir, dir, limit)
	if err != nil {
		b.Fatal(err)
	}
	return db, runUntil(b, db)
}

// runUntil runs a database until it is ready, and returns what ends it.
func runUntil(b *testing.B, db *aimdb.DB) (stop func()) {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	select {
	case <-db.Ready():
	case err := <-done:
		b.Fatal(err)
	}
	return func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
}
