package records_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/records"
)

// bad is a value that JSON carries only if it is not negative.
type bad float64

func (b bad) MarshalJSON() ([]byte, error) {
	switch {
	case b == -1:
		panic("boom")
	case b < 0:
		return nil, errors.New("too cold")
	}
	return fmt.Appendf(nil, "%g", float64(b)), nil
}

// take returns what a feed has, as key=JSON.
func take(f *records.Feed) (got []string) {
	dst := make([]records.Item, 3)
	for {
		n := f.TryTake(dst)
		if n == 0 {
			return got
		}
		for _, item := range dst[:n] {
			got = append(got, fmt.Sprintf("%s=%s", item.Record.Key(), item.JSON))
		}
	}
}

// encoding/json passes a RawMessage on as it is.
func TestAValueThatIsNotUTF8IsALoss(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	raw := register[json.RawMessage](t, r, "raw", logged(4))
	raw.Produce(json.RawMessage(`"\xff"`))
	raw.Produce(json.RawMessage(`"ok"`))
	f := r.NewFeed(records.LogReader, r.Records())
	defer f.Close()
	dst := make([]records.Item, 3)
	n, err := f.Take(t.Context(), dst)
	if err != nil || n != 2 || dst[0].Err == nil || dst[1].Err != nil {
		t.Fatalf("got %d, %v: %+v", n, err, dst)
	}
	if m := raw.Untyped().Metrics(); m.LostBy[loss.NotEncodable] != 1 {
		t.Errorf("lost %v, want one that is not encodable", m.LostBy)
	}
}

func TestFeedTakesLoggedRecordsFromTheStart(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	kept := register[int](t, r, "kept", logged(2))
	live := register[int](t, r, "live", ring(2))
	for v := range 3 {
		kept.Produce(v)
		live.Produce(v)
	}
	f := r.NewFeed(records.LogReader, r.Records())
	defer f.Close()
	dst := make([]records.Item, 10)
	n, err := f.Take(t.Context(), dst)
	if err != nil || n != 2 {
		t.Fatalf("got %d, %v", n, err)
	}
	if dst[0].Missed != 1 || dst[0].Number != 2 || dst[1].Missed != 0 || dst[1].Number != 3 {
		t.Errorf("items: %+v", dst[:n])
	}
	losses, total := kept.Untyped().Losses()
	if total != 1 || len(losses) != 1 || losses[0].From != 1 || losses[0].To != 1 || losses[0].Cause != loss.RingOverrun {
		t.Errorf("losses: %+v", losses)
	}
	live.Produce(3)
	if got := take(f); !slices.Equal(got, []string{"live=3"}) {
		t.Errorf("got %v", got)
	}
	if _, total := live.Untyped().Losses(); total != 0 {
		t.Error("a record that is not logged has an entry in the ledger")
	}
}

func TestFeedIsFairAndOrdered(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	flood := register[int](t, r, "flood", logged(1000))
	lone := register[int](t, r, "lone", logged(1))
	for v := range 1000 {
		flood.Produce(v)
	}
	lone.Produce(7)
	f := r.NewFeed(records.LogReader, r.Records())
	defer f.Close()
	dst := make([]records.Item, 2000)
	n := f.TryTake(dst)
	if n != 1001 {
		t.Fatalf("got %d values", n)
	}
	at := slices.IndexFunc(dst, func(i records.Item) bool { return i.Record == lone.Untyped() })
	if at > 100 {
		t.Errorf("the lone value came after %d of the flood", at)
	}
	number := uint64(0)
	for _, item := range dst[:n] {
		if item.Record == flood.Untyped() {
			if number++; item.Number != number {
				t.Fatalf("value %d came in place of %d", item.Number, number)
			}
		}
	}
}

func TestFeedWakesSleeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := records.NewRegistry(records.RegistryOptions{})
		record := register[int](t, r, "a", logged(8))
		f := r.NewFeed(records.LogReader, r.Records())
		taken, ended := make(chan int), make(chan error)
		go func() {
			dst := make([]records.Item, 10)
			for {
				n, err := f.Take(t.Context(), dst)
				if err != nil {
					ended <- err
					return
				}
				taken <- n
			}
		}()
		synctest.Wait()
		record.Produce(1)
		if n := <-taken; n != 1 {
			t.Errorf("took %d", n)
		}
		synctest.Wait() // now it lingers
		start := time.Now()
		record.Produce(2)
		record.Produce(3)
		if n := <-taken; n != 2 {
			t.Errorf("took %d after lingering", n)
		}
		if time.Since(start) > time.Millisecond {
			t.Errorf("lingered for %v", time.Since(start))
		}
		synctest.Wait()
		start = time.Now()
		for v := range 4 {
			record.Produce(v)
		}
		if <-taken; time.Since(start) != 0 {
			t.Errorf("lingered for %v although the ring was filling up", time.Since(start))
		}
		synctest.Wait()
		r.Close()
		if err := <-ended; !errors.Is(err, records.ErrClosed) {
			t.Error(err)
		}
	})
}

func TestFeedPauses(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	record := register[int](t, r, "a", ring(2))
	f := r.NewFeed("live", r.Records())
	defer f.Close()
	record.Produce(1)
	f.Pause(record.Untyped())
	for v := range 5 {
		record.Produce(v)
	}
	if got := take(f); got != nil || f.Pending() != 0 {
		t.Errorf("a paused feed gave %v", got)
	}
	f.Resume(record.Untyped())
	f.Resume(record.Untyped())
	record.Produce(9)
	if got := take(f); !slices.Equal(got, []string{"a=9"}) {
		t.Errorf("got %v", got)
	}
	if m := record.Untyped().Metrics(); m.Dropped != 0 || m.Readers != 1 {
		t.Errorf("metrics: %+v", m)
	}
}

func TestFeedTakesWhatIsLeft(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	record := register[int](t, r, "a", logged(2))
	f := r.NewFeed(records.LogReader, r.Records())
	record.Produce(1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dst := make([]records.Item, 2)
	if n, err := f.Take(ctx, dst); n != 1 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	if n, err := f.Take(ctx, dst); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("got %d, %v", n, err)
	}
	record.Produce(2)
	r.Close()
	if n, err := f.Take(t.Context(), dst); n != 1 || err != nil {
		t.Errorf("after Close: got %d, %v", n, err)
	}
	if n, err := f.Take(t.Context(), dst); n != 0 || !errors.Is(err, records.ErrClosed) {
		t.Errorf("after Close: got %d, %v", n, err)
	}
}

func TestFeedLooksIntoMailbox(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	record := register[int](t, r, "a", records.Config{Kind: records.Mailbox, Logged: true})
	f := r.NewFeed(records.LogReader, r.Records())
	defer f.Close()
	reader := record.Subscribe("reader")
	defer reader.Close()
	record.Produce(1)
	if got := take(f); !slices.Equal(got, []string{"a=1"}) {
		t.Errorf("got %v", got)
	}
	if got := drain(reader); !slices.Equal(got, []int{1}) {
		t.Errorf("the feed took the value: %v", got)
	}
}

func TestFeedGoesOnAfterValueThatCannotBeEncoded(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	record := register[bad](t, r, "a", logged(8))
	f := r.NewFeed(records.LogReader, r.Records())
	defer f.Close()
	for _, v := range []bad{1, -1, -2, bad(math.Inf(-1)), 2} {
		record.Produce(v)
	}
	dst := make([]records.Item, 10)
	n := f.TryTake(dst)
	var failed []uint64
	for _, item := range dst[:n] {
		if item.Err != nil {
			failed = append(failed, item.Number)
		}
	}
	if n != 5 || !slices.Equal(failed, []uint64{2, 3, 4}) {
		t.Errorf("%d values, failed: %v", n, failed)
	}
	losses, total := record.Untyped().Losses()
	if total != 3 || len(losses) != 1 || losses[0].From != 2 || losses[0].To != 4 {
		t.Errorf("losses: %+v", losses)
	}
	m := record.Untyped().Metrics()
	if want := []records.Drop{{Reader: records.LogReader, Cause: loss.NotEncodable, Count: 3}}; !slices.Equal(m.Drops, want) || m.Lost != 3 {
		t.Errorf("metrics: %+v", m)
	}
}

// The gateway makes a feed for every subscription, so a closed one must be released.
func TestClosedFeedIsForgotten(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	record := register[int](t, r, "a", records.Config{Kind: records.Ring, Capacity: 4})
	gone := make(chan struct{})
	func() {
		f := r.NewFeed("passing", []*records.Untyped{record.Untyped()})
		runtime.AddCleanup(f, func(gone chan struct{}) { close(gone) }, gone)
		f.Close()
	}()
	for range 100 {
		runtime.GC()
		select {
		case <-gone:
			r.Close()
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Error("the registry keeps a closed feed")
}
