package records_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/records"
)

// counted counts how often it is encoded.
type counted struct {
	V     int
	count *atomic.Int64
}

func (c counted) MarshalJSON() ([]byte, error) {
	if c.count != nil {
		c.count.Add(1)
	}
	return json.Marshal(c.V)
}

func TestEncodedOncePerValue(t *testing.T) {
	const values, readers = 50, 8
	r := records.NewRegistry(records.RegistryOptions{})
	record := register[counted](t, r, "a", ring(values))
	var count atomic.Int64
	var wg sync.WaitGroup
	for range readers {
		reader := record.Untyped().Subscribe("reader")
		wg.Go(func() {
			defer reader.Close()
			for v := range values {
				e, err := reader.Receive(t.Context())
				var got int
				if err != nil || json.Unmarshal(e.JSON, &got) != nil || got != v || e.Number != uint64(v+1) {
					t.Errorf("value %d: %s, %v", v, e.JSON, err)
				}
			}
		})
	}
	for v := range values {
		record.Produce(counted{v, &count})
	}
	wg.Wait()
	if got := count.Load(); got != values {
		t.Errorf("%d values were encoded %d times", values, got)
	}
	r.Close()
}

func TestGet(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_123)
	r := records.NewRegistry(records.RegistryOptions{Now: func() time.Time { return now }})
	defer r.Close()
	for _, kind := range []records.Kind{records.Ring, records.Latest, records.Mailbox} {
		record := register[counted](t, r, kind.String(), records.Config{Kind: kind, Capacity: 1, Timestamps: true})
		h := record.Untyped()
		if _, _, ok, err := h.Get(); ok || err != nil {
			t.Errorf("%v: got something before the first value, or %v", kind, err)
		}
		var count atomic.Int64
		record.Produce(counted{7, &count})
		for range 3 {
			if v, at, ok, err := h.Get(); string(v) != "7" || at != now.UnixMilli() || !ok || err != nil {
				t.Errorf("%v: got %s, %d, %v, %v", kind, v, at, ok, err)
			}
		}
		if count.Load() != 1 {
			t.Errorf("%v: one value was encoded %d times", kind, count.Load())
		}
		if m := h.Metrics(); m.LastWrite != now.UnixMilli() {
			t.Errorf("%v: last write %d", kind, m.LastWrite)
		}
	}
}

func TestJSONIsCompactAndNotEscaped(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	record := register[map[string]any](t, r, "a", ring(1))
	record.Produce(map[string]any{"x": json.RawMessage("[1,\n 2]"), "y": "<&>"})
	if v, _, _, err := record.Untyped().Get(); string(v) != `{"x":[1,2],"y":"<&>"}` || err != nil {
		t.Errorf("got %s, %v", v, err)
	}
}

type node struct{ Next *node }

func TestValuesThatCannotBeEncoded(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	floats := register[float64](t, r, "floats", ring(4))
	reader := floats.Untyped().Subscribe("gateway")
	defer reader.Close()
	floats.Produce(math.NaN())
	floats.Produce(1)
	if e, ok := reader.TryReceive(); !ok || e.Err == nil || e.JSON != nil {
		t.Errorf("NaN: %+v", e)
	}
	if e, ok := reader.TryReceive(); !ok || e.Err != nil || string(e.JSON) != "1.0" {
		t.Errorf("the value after NaN: %+v", e)
	}
	if m := floats.Untyped().Metrics(); m.Dropped != 1 || m.Drops[0].Cause != loss.NotEncodable {
		t.Errorf("metrics: %+v", m)
	}
	cycles := register[*node](t, r, "cycles", ring(4))
	loop := &node{}
	loop.Next = loop
	cycles.Produce(loop)
	if _, _, _, err := cycles.Untyped().Get(); err == nil {
		t.Error("a cycle was encoded")
	}
	panics := register[bad](t, r, "panics", ring(4))
	panics.Produce(-1)
	if _, _, _, err := panics.Untyped().Get(); err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("a panic: %v", err)
	}
	if _, err := records.Register[struct{ C chan int }](r, "chan", logged(1)); err == nil || !strings.Contains(err.Error(), "chan") {
		t.Errorf("a channel: %v", err)
	}
	if _, err := records.Register[chan int](r, "chan", ring(1)); err != nil {
		t.Errorf("a channel in a record that is neither logged nor served: %v", err)
	}
}

func TestSet(t *testing.T) {
	type point struct{ X, Y int }
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	record := register[point](t, r, "a", ring(4))
	made := register[point](t, r, "made", ring(4))
	check(t, records.Map(record, made, func(p point) point { return p }))
	h := record.Untyped()
	if err := h.Set(json.RawMessage(`{"X":1,"Y":2}`)); err != nil {
		t.Error(err)
	}
	if v, _ := record.Latest(); v != (point{1, 2}) {
		t.Errorf("got %v", v)
	}
	for _, raw := range []string{"", "null", "1", `{"X":"1"}`, `{"Z":1}`, `{"X":1} {}`, `{"X":1`} {
		if err := h.Set(json.RawMessage(raw)); err == nil {
			t.Errorf("set to %q", raw)
		}
		if err := h.CheckSet(json.RawMessage(raw)); err == nil {
			t.Errorf("%q can be set", raw)
		}
	}
	if err := h.CheckSet(json.RawMessage(`{"X":3,"Y":4}`)); err != nil {
		t.Error(err)
	}
	if err := r.Build(); err != nil {
		t.Fatal(err)
	}
	if err := made.Untyped().Set(json.RawMessage(`{"X":1}`)); !errors.Is(err, records.ErrHasProducer) {
		t.Errorf("set of a record made by a stage: %v", err)
	}
	if err := made.Untyped().CheckSet(json.RawMessage(`{"X":1}`)); !errors.Is(err, records.ErrHasProducer) {
		t.Errorf("check of a record made by a stage: %v", err)
	}
	if got := h.Produced(); got != 1 {
		t.Errorf("produced %d", got)
	}
}
