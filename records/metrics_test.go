package records_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/records"
)

// TestDropsStayBounded lets more readers miss values than are kept by name.
func TestDropsStayBounded(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	record := register[int](t, r, "a", ring(1))
	total := uint64(0)
	miss := func(name string) {
		reader := record.Subscribe(name)
		record.Produce(1)
		record.Produce(2)
		reader.TryReceive()
		total += reader.Missed()
		reader.Close()
		reader.Close()
	}
	for i := range 100 {
		miss(fmt.Sprint("reader", i))
	}
	m := record.Untyped().Metrics()
	if m.Dropped != total || len(m.Drops) > 65 || m.Readers != 0 {
		t.Errorf("dropped %d of %d, by %d names", m.Dropped, total, len(m.Drops))
	}
	record.Untyped().ResetMetrics()
	miss("reader0")
	if m := record.Untyped().Metrics(); m.Dropped != 1 || m.Produced != 2 || m.Consumed != 1 {
		t.Errorf("after a reset: %+v", m)
	}
}

func TestLedgerJoinsAndForgets(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	h := register[int](t, r, "a", logged(1)).Untyped()
	h.AddLoss(loss.Loss{Cause: loss.LogRefused, Count: 2, From: 1, To: 2, FirstTime: 1, LastTime: 1})
	h.AddLoss(loss.Loss{Cause: loss.LogRefused, Count: 1, From: 3, To: 3, FirstTime: 2, LastTime: 2})
	losses, total := h.Losses()
	if want := (loss.Loss{Cause: loss.LogRefused, Count: 3, From: 1, To: 3, FirstTime: 1, LastTime: 2}); total != 3 || len(losses) != 1 || losses[0] != want {
		t.Errorf("got %+v", losses)
	}
	for i := range uint64(100) {
		h.AddLoss(loss.Loss{Cause: loss.SinkRefused, Count: 1, From: 10 + 2*i, To: 10 + 2*i})
	}
	losses, total = h.Losses()
	if total != 103 || len(losses) != 16 || losses[15].From != 10+2*99 {
		t.Errorf("kept %d of %d losses: %+v", len(losses), total, losses)
	}
}

func TestProfiles(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	record := register[int](t, r, "a", ring(100))
	check(t, records.Source(record, func(_ context.Context, emit func(int) error) error {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if err := errors.Join(emit(1), emit(2)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		return nil
	}))
	reader := record.Subscribe("test")
	stop := run(t, r)
	for range 8 {
		if _, err := reader.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	h := record.Untyped()
	if s := h.Metrics().Stages; len(s) != 1 || s[0].Type != "source" || s[0].Calls != 7 || s[0].Min > s[0].Max || s[0].Total < s[0].Max {
		t.Errorf("stages: %+v", s)
	}
	h.ResetProfiles()
	if s := h.Metrics().Stages; s[0].Calls != 0 || s[0].Total != 0 {
		t.Errorf("stages after a reset: %+v", s)
	}
}

// An overrun lies between the last value that the log's feed had read and the
// first one behind.
func TestTheTimesOfAnOverrun(t *testing.T) {
	now := int64(1000)
	r := records.NewRegistry(records.RegistryOptions{Now: func() time.Time { now++; return time.UnixMilli(now) }})
	defer r.Close()
	record := register[int](t, r, "a", logged(4))
	f := r.NewFeed(records.LogReader, r.Records())
	defer f.Close()
	items := make([]records.Item, 10)
	for _, n := range []int{10, 20} { // times 1001 to 1010 and 1011 to 1030
		for i := range n {
			record.Produce(i)
		}
		f.TryTake(items)
	}
	losses, _ := record.Untyped().Losses()
	want := []loss.Loss{
		{Record: "a", Cause: loss.RingOverrun, Count: 6, From: 1, To: 6, FirstTime: 0, LastTime: 1007},
		{Record: "a", Cause: loss.RingOverrun, Count: 16, From: 11, To: 26, FirstTime: 1010, LastTime: 1027},
	}
	if !slices.Equal(losses, want) {
		t.Errorf("losses %+v, want %+v", losses, want)
	}
	if m := record.Untyped().Metrics(); m.LostBy[loss.RingOverrun] != 22 || m.Lost != 22 {
		t.Errorf("the record counts %d, by cause %v", m.Lost, m.LostBy)
	}
}
