package records_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/records"
)

func TestRing(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	record := register[int](t, r, "a", ring(3))
	record.Produce(1)
	reader := record.Subscribe("reader")
	defer reader.Close()
	if v, ok := reader.TryReceive(); ok {
		t.Fatalf("a new reader got %d, which was there before", v)
	}
	for v := 2; v <= 6; v++ {
		record.Produce(v)
	}
	if v, ok := record.Latest(); v != 6 || !ok {
		t.Errorf("latest is %d, %v", v, ok)
	}
	if got, want := drain(reader), []int{4, 5, 6}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := reader.Missed(); got != 2 {
		t.Errorf("missed %d, want 2", got)
	}
	m := record.Untyped().Metrics()
	if m.Produced != 6 || m.Consumed != 3 || m.Dropped != 2 || m.Items != 3 || m.Capacity != 3 {
		t.Errorf("metrics: %+v", m)
	}
	if want := []records.Drop{{Reader: "reader", Cause: loss.RingOverrun, Count: 2}}; !slices.Equal(m.Drops, want) {
		t.Errorf("drops: %v", m.Drops)
	}
}

func TestLatest(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	record := register[int](t, r, "a", records.Config{Kind: records.Latest})
	early := record.Subscribe("early")
	defer early.Close()
	if _, ok := early.TryReceive(); ok {
		t.Error("there is a value before the first")
	}
	record.Produce(1)
	record.Produce(2)
	late := record.Subscribe("late")
	defer late.Close()
	for _, reader := range []*records.Reader[int]{early, late} {
		if got := drain(reader); !slices.Equal(got, []int{2}) {
			t.Errorf("got %v, want [2]", got)
		}
		if reader.Missed() != 0 {
			t.Error("collapsing counted as a loss")
		}
	}
}

func TestMailbox(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	record := register[int](t, r, "a", records.Config{Kind: records.Mailbox})
	one, two := record.Subscribe("one"), record.Subscribe("two")
	defer one.Close()
	defer two.Close()
	record.Produce(1)
	record.Produce(2)
	if v, ok := record.Latest(); v != 2 || !ok {
		t.Errorf("peek: %d, %v", v, ok)
	}
	got := append(drain(one), drain(two)...)
	if !slices.Equal(got, []int{2}) {
		t.Errorf("got %v, want [2]", got)
	}
	if _, ok := record.Latest(); ok {
		t.Error("the value was taken and is still there")
	}
	m := record.Untyped().Metrics()
	if want := []records.Drop{{Cause: loss.MailboxOverwritten, Count: 1}}; !slices.Equal(m.Drops, want) || m.Items != 0 {
		t.Errorf("metrics: %+v", m)
	}
}

// TestReceiveWaits is one suite for all kinds: waking, cancelling, closing.
func TestReceiveWaits(t *testing.T) {
	for _, kind := range []records.Kind{records.Ring, records.Latest, records.Mailbox} {
		t.Run(kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := records.NewRegistry(records.RegistryOptions{})
				record := register[int](t, r, "a", records.Config{Kind: kind, Capacity: 1})
				reader := record.Subscribe("reader")
				type answer struct {
					v   int
					err error
				}
				answers := make(chan answer)
				receive := func(ctx context.Context) {
					v, err := reader.Receive(ctx)
					answers <- answer{v, err}
				}
				go receive(t.Context())
				synctest.Wait()
				record.Produce(1)
				if a := <-answers; a.v != 1 || a.err != nil {
					t.Errorf("woken: %+v", a)
				}
				ctx, cancel := context.WithCancel(t.Context())
				go receive(ctx)
				synctest.Wait()
				cancel()
				if a := <-answers; !errors.Is(a.err, context.Canceled) {
					t.Errorf("cancelled: %+v", a)
				}
				record.Produce(2)
				if v, err := reader.Receive(ctx); v != 2 || err != nil {
					t.Errorf("a value that is there, after the end of ctx: %d, %v", v, err)
				}
				go receive(t.Context())
				synctest.Wait()
				reader.Close()
				if a := <-answers; !errors.Is(a.err, records.ErrClosed) {
					t.Errorf("reader closed: %+v", a)
				}
				reader = record.Subscribe("another")
				if kind == records.Latest {
					drain(reader)
				}
				go receive(t.Context())
				synctest.Wait()
				r.Close()
				if a := <-answers; !errors.Is(a.err, records.ErrClosed) {
					t.Errorf("registry closed: %+v", a)
				}
			})
		})
	}
}

func TestManyReadersWakeUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := records.NewRegistry(records.RegistryOptions{})
		defer r.Close()
		record := register[int](t, r, "a", ring(4))
		got := make(chan int)
		for range 1000 {
			reader := record.Subscribe("reader")
			go func() {
				defer reader.Close()
				v, err := reader.Receive(t.Context())
				if err != nil {
					t.Error(err)
				}
				got <- v
			}()
		}
		synctest.Wait()
		record.Produce(7)
		for range 1000 {
			if v := <-got; v != 7 {
				t.Fatalf("got %d", v)
			}
		}
	})
}

func TestAllEnds(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	record := register[int](t, r, "a", ring(4))
	reader := record.Subscribe("reader")
	record.Produce(1)
	record.Produce(2)
	r.Close()
	if got := slices.Collect(reader.All(t.Context())); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("got %v, want what was left", got)
	}
	record.Produce(3)
	if m := record.Untyped().Metrics(); m.Dropped != 1 || m.Drops[0].Cause != loss.ProducedAfterClose {
		t.Errorf("a value after Close is not counted: %+v", m)
	}
	r.Close() // again, which changes nothing
	if u := record.Untyped(); u.Accepted() != 2 || u.Produced() != 3 {
		t.Errorf("%d of %d values were accepted, want 2 of 3", u.Accepted(), u.Produced())
	}
	if err := record.Send(t.Context(), 4); !errors.Is(err, records.ErrClosed) {
		t.Errorf("send after Close: %v", err)
	}
}

func drain[T any](r *records.Reader[T]) (all []T) {
	for {
		v, ok := r.TryReceive()
		if !ok {
			return all
		}
		all = append(all, v)
	}
}
