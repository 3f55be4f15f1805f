package records_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/records"
)

// The benchmarks below measure reference and candidate in turn in one process
// and report the ratio, since times alone say more about the machine than about
// the code. ns/op and allocs/op are those of the candidate.

// payload is the 32-byte value of the benchmarks.
type payload struct{ A, B, C, D int64 }

// turn is how many operations each side does before the other gets its turn.
const turn = 20_000

// sides collects the times per operation of several functions, turn by turn.
// The last one is the candidate.
func sides(b *testing.B, each ...func(n int)) (nanoseconds [][]float64) {
	b.Helper()
	b.ReportAllocs()
	nanoseconds = make([][]float64, len(each))
	b.ResetTimer()
	for done := 0; done < b.N; done += turn {
		n := min(turn, b.N-done)
		for i, side := range each {
			if i < len(each)-1 {
				b.StopTimer()
			}
			start := time.Now()
			side(n)
			nanoseconds[i] = append(nanoseconds[i], float64(time.Since(start))/float64(n))
			b.StartTimer()
		}
	}
	return nanoseconds
}

// median returns the median of what f makes of each turn.
func median(turns int, f func(i int) float64) float64 {
	values := make([]float64, turns)
	for i := range values {
		values[i] = f(i)
	}
	slices.Sort(values)
	return values[turns/2]
}

// compare reports how many times as long the candidate takes.
func compare(b *testing.B, unit string, reference, candidate func(n int)) {
	b.Helper()
	ns := sides(b, reference, candidate)
	b.ReportMetric(median(len(ns[0]), func(i int) float64 { return ns[1][i] / ns[0][i] }), unit)
}

// channels sends and receives through buffered channels.
func channels(readers int) func(n int) {
	chans := make([]chan payload, readers)
	for i := range chans {
		chans[i] = make(chan payload, 16)
	}
	return func(n int) {
		for i := range n {
			for _, c := range chans {
				c <- payload{A: int64(i)}
				<-c
			}
		}
	}
}

func openRecord(b *testing.B, c records.Config) *records.Record[payload] {
	r := records.NewRegistry(records.RegistryOptions{})
	b.Cleanup(r.Close)
	return register[payload](b, r, "a", c)
}

func push(record *records.Record[payload]) func(n int) {
	return func(n int) {
		for i := range n {
			record.Produce(payload{A: int64(i)})
		}
	}
}

func pushReceive(b *testing.B, record *records.Record[payload], readers int) func(n int) {
	subscribed := make([]*records.Reader[payload], readers)
	for i := range subscribed {
		subscribed[i] = record.Subscribe("bench")
		b.Cleanup(subscribed[i].Close)
	}
	ctx := b.Context()
	return func(n int) {
		for i := range n {
			record.Produce(payload{A: int64(i)})
			for _, reader := range subscribed {
				if v, err := reader.Receive(ctx); err != nil || v.A != int64(i) {
					b.Fatalf("got %v, %v", v, err)
				}
			}
		}
	}
}

func eachReaders(b *testing.B, f func(b *testing.B, readers int)) {
	for _, readers := range []int{1, 4} {
		b.Run(fmt.Sprintf("readers=%d", readers), func(b *testing.B) { f(b, readers) })
	}
}

// BenchmarkChannel is the reference: a send and a receive on a buffered channel
// for each reader.
func BenchmarkChannel(b *testing.B) {
	eachReaders(b, func(b *testing.B, readers int) {
		side := channels(readers)
		b.ReportAllocs()
		b.ResetTimer()
		side(b.N)
	})
}

// BenchmarkPush has the target 0.25 x-channel.
func BenchmarkPush(b *testing.B) {
	compare(b, "x-channel", channels(1), push(openRecord(b, ring(1024))))
}

// BenchmarkPushReceive has the targets 0.5 x-channel for one reader and 0.35
// for four.
func BenchmarkPushReceive(b *testing.B) {
	eachReaders(b, func(b *testing.B, readers int) {
		compare(b, "x-channel", channels(readers), pushReceive(b, openRecord(b, ring(1024)), readers))
	})
}

// BenchmarkPushPersisted has the target 1.1 clock-readings, which is what a
// push costs above a plain one.
func BenchmarkPushPersisted(b *testing.B) {
	ns := sides(b,
		push(openRecord(b, ring(1024))),
		func(n int) {
			for range n {
				_ = time.Now()
			}
		},
		push(openRecord(b, logged(1024))))
	b.ReportMetric(median(len(ns[0]), func(i int) float64 { return (ns[2][i] - ns[0][i]) / ns[1][i] }), "clock-readings")
}

// BenchmarkPushRepublished pushes at 100,000 writes/s, with the time of each
// push taken, into a record that a feed brings to a log. Its target is 1.1
// x-off, where off is the same push with persistence and feed off but with its
// write time. x-plain compares with a push that reads no clock.
func BenchmarkPushRepublished(b *testing.B) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	plain := register[payload](b, r, "plain", ring(1024))
	timed := ring(1024)
	timed.Timestamps = true
	off := register[payload](b, r, "off", timed)
	on := register[payload](b, r, "on", logged(1024))
	feed := r.NewFeed(records.LogReader, []*records.Untyped{on.Untyped()})
	var republisher sync.WaitGroup
	republisher.Go(func() {
		dst := make([]records.Item, 256)
		for {
			n, err := feed.Take(b.Context(), dst)
			if err != nil {
				return
			}
			on.Untyped().AckLogged(dst[n-1].Number)
		}
	})
	const pace, burst = 10 * time.Microsecond, 500
	var took [3][]time.Duration
	b.ResetTimer()
	for done := 0; done < b.N; {
		for i, record := range []*records.Record[payload]{plain, off, on} {
			next := time.Now()
			for range burst {
				for next = next.Add(pace); time.Now().Before(next); {
					runtime.KeepAlive(next) // wait for the next write
				}
				start := time.Now()
				record.Produce(payload{})
				took[i] = append(took[i], time.Since(start))
			}
		}
		done += burst
	}
	b.StopTimer()
	feed.Close()
	republisher.Wait()
	var mid [3]float64
	for i := range took {
		mid[i] = median(len(took[i]), func(j int) float64 { return float64(took[i][j]) })
	}
	b.ReportMetric(mid[2], "ns-median")
	b.ReportMetric(mid[2]/mid[1], "x-off")
	b.ReportMetric(mid[2]/mid[0], "x-plain")
}

// BenchmarkTwoByTwo has the target 2 x-one-by-one: writers and readers run
// against each other until the readers are at the end.
func BenchmarkTwoByTwo(b *testing.B) {
	side := func(pairs int) func(n int) {
		return func(n int) {
			r := records.NewRegistry(records.RegistryOptions{})
			record := register[payload](b, r, "a", ring(1024))
			var writers, readers sync.WaitGroup
			for range pairs {
				reader := record.Subscribe("bench")
				readers.Go(func() {
					for {
						if _, err := reader.Receive(b.Context()); err != nil {
							return
						}
					}
				})
				writers.Go(func() { push(record)(n / pairs) })
			}
			writers.Wait()
			r.Close()
			readers.Wait()
		}
	}
	compare(b, "x-one-by-one", side(1), side(2))
}

// BenchmarkEncodedReaders shows what eight readers of the JSON cost over one.
func BenchmarkEncodedReaders(b *testing.B) {
	side := func(readers int) func(n int) {
		type value struct{ City, Source, At string }
		r := records.NewRegistry(records.RegistryOptions{})
		b.Cleanup(r.Close)
		record := register[value](b, r, "a", ring(16))
		subscribed := make([]*records.EncodedReader, readers)
		for i := range subscribed {
			subscribed[i] = record.Untyped().Subscribe("bench")
		}
		return func(n int) {
			for range n {
				record.Produce(value{"Vienna", "persistence", "2015-01-01T00:00:00Z"})
				for _, reader := range subscribed {
					if _, err := reader.Receive(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
			}
		}
	}
	compare(b, "x-one-reader", side(1), side(8))
}

// BenchmarkIdleMemory has the target 1536 B/record, and no goroutine. The records
// keep no value, so they have no slots.
func BenchmarkIdleMemory(b *testing.B) {
	const count, capacity = 100_000, 16
	for b.Loop() {
		before := inUse()
		goroutines := runtime.NumGoroutine()
		r := records.NewRegistry(records.RegistryOptions{})
		for i := range count {
			register[payload](b, r, fmt.Sprintf("plant.line%d.sensor%d", i/100, i), logged(capacity))
		}
		feed := r.NewFeed(records.LogReader, r.Records())
		if err := r.Build(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(inUse()-before)/count, "B/record")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines), "goroutines")
		feed.Close()
		r.Close()
	}
}

// inUse returns the bytes of heap and stacks in use after a collection.
func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// BenchmarkSendThroughFeed brings lossless values to a feed, against encoding
// them in a loop: what is above 1 is the price of the way.
func BenchmarkSendThroughFeed(b *testing.B) {
	r := records.NewRegistry(records.RegistryOptions{})
	record := register[payload](b, r, "a", lossless(64, records.LogReader))
	feed := r.NewFeed(records.LogReader, r.Records())
	dst := make([]records.Item, 256)
	through := func(n int) {
		var writer sync.WaitGroup
		writer.Go(func() {
			for i := range n {
				if err := record.Send(b.Context(), payload{A: int64(i)}); err != nil {
					b.Error(err)
				}
			}
		})
		for taken := 0; taken < n; {
			got, err := feed.Take(b.Context(), dst)
			if err != nil {
				b.Fatal(err)
			}
			taken += got
		}
		writer.Wait()
	}
	encode := func(n int) {
		for i := range n {
			if _, err := json.Marshal(payload{A: int64(i)}); err != nil {
				b.Fatal(err)
			}
		}
	}
	compare(b, "x-marshal", encode, through)
	r.Close()
}
