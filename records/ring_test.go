package records_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/records"
)

// allocated returns how many bytes fn allocates.
func allocated(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestSlotsGrow registers a ring of 128 MB and keeps a few values in it.
func TestSlotsGrow(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	var record *records.Record[int64]
	if n := allocated(func() { record = register[int64](t, r, "a", logged(records.MaxCapacity)) }); n > 64<<10 {
		t.Errorf("registering allocated %d bytes", n)
	}
	fill := func() {
		for v := range int64(1000) {
			record.Produce(v)
		}
	}
	if n := allocated(fill); n > 3*1024*16 { // 1,024 slots and times, and all halves of them
		t.Errorf("1,000 values allocated %d bytes", n)
	}
	one, two := record.Untyped().Subscribe("one"), record.Untyped().Subscribe("two")
	record.Produce(1)
	if n := allocated(func() { one.TryReceive(); two.TryReceive() }); n > 64<<10 {
		t.Errorf("sharing the JSON of a value allocated %d bytes", n)
	}
}

// TestProduceAllocatesNothing once the ring has filled.
func TestProduceAllocatesNothing(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	for _, c := range []records.Config{ring(100), logged(64), {Kind: records.Latest}, {Kind: records.Mailbox}} {
		record := register[[4]int](t, r, fmt.Sprintf("%v.%v", c.Kind, c.Logged), c)
		for range max(1, c.Capacity) {
			record.Produce([4]int{})
		}
		if n := testing.AllocsPerRun(1000, func() { record.Produce([4]int{}) }); n != 0 {
			t.Errorf("%s: %v allocations for a value", record.Key(), n)
		}
	}
}

// TestGrowingRing has rings of all small sizes with values from before a refill,
// from it and from after it, and compares what a tap and the log see with a
// slice.
func TestGrowingRing(t *testing.T) {
	for capacity := range 6 {
		for before := range capacity + 3 {
			for rows := range capacity + 3 {
				for after := range 2*capacity + 4 {
					compareWithSlice(t, capacity+1, before, rows, after)
				}
			}
		}
	}
}

func compareWithSlice(t *testing.T, capacity, before, rows, after int) {
	t.Helper()
	clock := int64(0)
	r := records.NewRegistry(records.RegistryOptions{Now: func() time.Time { clock++; return time.UnixMilli(clock) }})
	defer r.Close()
	c := logged(capacity)
	c.RefillStages = true
	record := register[int](t, r, "a", c)
	var got []int
	check(t, record.Tap(func(_ context.Context, v int) { got = append(got, v) }))
	f := r.NewFeed(records.LogReader, r.Records())

	var model []int // values are positive and count from 1, rows from -1 down
	for v := range before {
		record.Produce(v + 1)
	}
	var past []records.Stored
	for i := range rows {
		past = append(past, records.Stored{Time: 1, Value: json.RawMessage(fmt.Sprint(-1 - i))})
		if i < capacity-before {
			model = slices.Insert(model, 0, -1-i)
		}
	}
	if _, err := record.Untyped().Refill(past); err != nil {
		t.Fatal(err)
	}
	for v := before; v < before+after; v++ {
		record.Produce(v + 1)
	}
	for v := range before + after {
		model = append(model, v+1)
	}
	model = model[max(0, len(model)-capacity):]
	if err := run(t, r)(); err != nil {
		t.Fatal(err)
	}
	of := fmt.Sprintf("capacity %d, %d values, %d rows, %d values", capacity, before, rows, after)
	if !slices.Equal(got, model) {
		t.Errorf("%s: the tap saw %v, want %v", of, got, model)
	}
	if m := record.Untyped().Metrics(); m.Items != len(model) {
		t.Errorf("%s: the ring keeps %d values", of, m.Items)
	}
	items := make([]records.Item, capacity+1)
	items = items[:f.TryTake(items)]
	if produced := before + after; len(items) != min(produced, capacity) {
		t.Errorf("%s: the log got %d values", of, len(items))
	}
	for _, item := range items {
		if string(item.JSON) != fmt.Sprint(item.Number) || item.Time != int64(item.Number) {
			t.Errorf("%s: value %d is %s at %d", of, item.Number, item.JSON, item.Time)
		}
	}
}
