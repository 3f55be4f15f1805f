package records_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/records"
)

func lossless(n int, names ...string) records.Config {
	return records.Config{Kind: records.Ring, Capacity: n, Logged: true, Lossless: names}
}

// TestSendLosesNothing sends a burst far larger than the ring from before the
// readers are there.
func TestSendLosesNothing(t *testing.T) {
	const writers, each = 4, 500
	r := records.NewRegistry(records.RegistryOptions{})
	record := register[int](t, r, "a", lossless(8, records.LogReader, records.StageReaders, "mine"))
	tapped := 0
	check(t, record.Tap(func(context.Context, int) { tapped++ }))
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for v := range each {
				if err := record.Send(t.Context(), v); err != nil {
					t.Error(err)
				}
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	running := make(chan error)
	go func() { running <- r.Run(ctx) }()
	mine := record.Subscribe("mine")
	wg.Go(func() {
		for range writers * each {
			if _, err := mine.Receive(t.Context()); err != nil {
				t.Error(err)
			}
		}
		mine.Close()
	})
	f := r.NewFeed(records.LogReader, r.Records())
	dst := make([]records.Item, 5)
	for n := 0; n < writers*each; {
		got, err := f.Take(t.Context(), dst)
		if err != nil {
			t.Fatal(err)
		}
		n += got
	}
	wg.Wait()
	cancel()
	if err := <-running; err != nil {
		t.Error(err)
	}
	if tapped != writers*each {
		t.Errorf("the tap saw %d values", tapped)
	}
	if m := record.Untyped().Metrics(); m.Dropped != 0 || m.Produced != writers*each {
		t.Errorf("metrics: %+v", m)
	}
	r.Close()
}

func TestSendWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := records.NewRegistry(records.RegistryOptions{})
		record := register[int](t, r, "a", lossless(2, "mine"))
		sent := make(chan error)
		send := func(ctx context.Context) { sent <- record.Send(ctx, 0) }
		for range 2 {
			if err := record.Send(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		go send(ctx)
		synctest.Wait()
		cancel()
		if err := <-sent; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if got := record.Untyped().Produced(); got != 2 {
			t.Errorf("a cancelled send produced: %d", got)
		}
		mine := record.Subscribe("mine")
		go send(t.Context())
		synctest.Wait()
		if _, ok := mine.TryReceive(); !ok {
			t.Error("the named reader did not start with the first value")
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
		go send(t.Context())
		synctest.Wait()
		mine.Close()
		if err := <-sent; err != nil {
			t.Errorf("the named reader left: %v", err)
		}
		record.Subscribe("mine") // reads nothing
		for range 2 {
			if err := record.Send(t.Context(), 0); err != nil {
				t.Error(err)
			}
		}
		go send(t.Context())
		synctest.Wait()
		r.Close()
		if err := <-sent; !errors.Is(err, records.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	})
}

func TestProduceLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := records.NewRegistry(records.RegistryOptions{})
		record := register[bad](t, r, "a", logged(4))
		h := record.Untyped()
		f := r.NewFeed(records.LogReader, r.Records())
		dst := make([]records.Item, 10)
		fate := make(chan error)
		produce := func(ctx context.Context, v bad) {
			go func() { fate <- record.ProduceLogged(ctx, v) }()
			synctest.Wait()
		}
		produce(t.Context(), 1)
		f.TryTake(dst)
		h.AckLogged(1)
		if err := <-fate; err != nil || h.Acked() != 1 {
			t.Errorf("acknowledged: %v, up to %d", err, h.Acked())
		}
		produce(t.Context(), -2)
		f.TryTake(dst)
		wantLost(t, <-fate, 2, loss.NotEncodable)
		produce(t.Context(), 3)
		f.TryTake(dst)
		refused := errors.New("the log is full")
		h.FailLogged(3, 3, refused)
		err := <-fate
		wantLost(t, err, 3, loss.LogRefused)
		if !errors.Is(err, refused) {
			t.Errorf("got %v", err)
		}
		produce(t.Context(), 4)
		for range 4 {
			record.Produce(5) // overruns the value that waits
		}
		f.TryTake(dst)
		wantLost(t, <-fate, 4, loss.RingOverrun)
		ctx, cancel := context.WithCancel(t.Context())
		produce(ctx, 9)
		cancel()
		if err := <-fate; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		f.TryTake(dst)
		produce(t.Context(), 10)
		r.Close()
		if err := <-fate; !errors.Is(err, records.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	})
}

func wantLost(t *testing.T, err error, number uint64, cause loss.Cause) {
	t.Helper()
	var lost *records.LostError
	if !errors.As(err, &lost) || lost.Number != number || lost.Cause != cause || lost.Record != "a" {
		t.Errorf("got %v, want value %d lost by %s", err, number, cause)
	}
}

// TestProduceLoggedWaitsForTheLog fills a ring before there is a log.
func TestProduceLoggedWaitsForTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := records.NewRegistry(records.RegistryOptions{})
		defer r.Close()
		record := register[int](t, r, "a", logged(2))
		var wg sync.WaitGroup
		for v := range 10 {
			wg.Go(func() {
				if err := record.ProduceLogged(t.Context(), v); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		f := r.NewFeed(records.LogReader, r.Records())
		dst := make([]records.Item, 3)
		for range 10 {
			n, err := f.Take(t.Context(), dst)
			if err != nil {
				t.Fatal(err)
			}
			record.Untyped().AckLogged(dst[n-1].Number)
			if record.Untyped().Acked() == 10 {
				break
			}
		}
		wg.Wait()
	})
}

func TestProduceLoggedSuperseded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := records.NewRegistry(records.RegistryOptions{})
		defer r.Close()
		record := register[int](t, r, "a", records.Config{Kind: records.Latest, Logged: true})
		f := r.NewFeed(records.LogReader, r.Records())
		fate := make(chan error)
		go func() { fate <- record.ProduceLogged(t.Context(), 1) }()
		synctest.Wait()
		record.Produce(2)
		f.TryTake(make([]records.Item, 1))
		if err := <-fate; !errors.Is(err, records.ErrSuperseded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestProduceLoggedNeedsLog(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	record := register[int](t, r, "a", ring(2))
	if err := record.ProduceLogged(t.Context(), 1); err == nil {
		t.Error("a record without a log acknowledged a value")
	}
}

// TestSendToMailbox waits until any reader has emptied the slot.
func TestSendToMailbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := records.NewRegistry(records.RegistryOptions{})
		defer r.Close()
		record := register[int](t, r, "a", records.Config{Kind: records.Mailbox, Lossless: []string{"mine"}})
		mine, other := record.Subscribe("mine"), record.Subscribe("other")
		defer mine.Close()
		defer other.Close()
		for v, reader := range []*records.Reader[int]{mine, other, other, mine} {
			if err := record.Send(t.Context(), v); err != nil {
				t.Fatal(err)
			}
			sent := make(chan error)
			go func() { sent <- record.Send(t.Context(), v+100) }()
			synctest.Wait()
			for _, want := range []int{v, v + 100} {
				if got, err := reader.Receive(t.Context()); got != want || err != nil {
					t.Errorf("got %d, %v, want %d", got, err, want)
				}
			}
			if err := <-sent; err != nil {
				t.Error(err)
			}
		}
		if m := record.Untyped().Metrics(); m.Dropped != 0 {
			t.Errorf("metrics: %+v", m)
		}
	})
}

// TestSendWaitsForNamedStage names one stage out of two.
func TestSendWaitsForNamedStage(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	record := register[int](t, r, "a", records.Config{Kind: records.Ring, Capacity: 2, Lossless: []string{"careful"}})
	seen := 0
	check(t, record.Tap(func(context.Context, int) { seen++ }, records.StageName("careful")))
	stuck := make(chan struct{})
	check(t, record.Tap(func(context.Context, int) { <-stuck }, records.StageName("stuck")))
	stop := run(t, r)
	for v := range 100 {
		if err := record.Send(t.Context(), v); err != nil {
			t.Error(err)
		}
	}
	close(stuck)
	if err := stop(); err != nil {
		t.Error(err)
	}
	if seen != 100 {
		t.Errorf("the named stage saw %d values", seen)
	}
}

// TestCancelledSendPassesOn gives room to a producer that has just given up.
func TestCancelledSendPassesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := records.NewRegistry(records.RegistryOptions{})
		record := register[int](t, r, "a", lossless(1, "mine"))
		mine := record.Subscribe("mine")
		record.Produce(0)
		ctx, cancel := context.WithCancel(t.Context())
		sent := make(chan error, 2)
		for _, ctx := range []context.Context{ctx, t.Context()} {
			go func() { sent <- record.Send(ctx, 1) }()
			synctest.Wait()
		}
		cancel()
		mine.TryReceive()
		synctest.Wait()
		if got := record.Untyped().Produced(); got != 2 {
			t.Errorf("%d values were produced, want 2: the free slot was not used", got)
		}
		r.Close()
		if err := errors.Join(<-sent, <-sent); !errors.Is(err, context.Canceled) || errors.Is(err, records.ErrClosed) {
			t.Errorf("one was cancelled and the other sent, but: %v", err)
		}
	})
}

// TestWaitingProducersHurry have a feed woken that lets values come together.
func TestWaitingProducersHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := records.NewRegistry(records.RegistryOptions{})
		record := register[int](t, r, "a", logged(100))
		latest := register[int](t, r, "b", records.Config{Kind: records.Latest, Logged: true, Lossless: []string{records.LogReader}})
		f := r.NewFeed(records.LogReader, r.Records())
		go func() {
			dst := make([]records.Item, 10)
			for {
				n, err := f.Take(t.Context(), dst)
				if err != nil {
					return
				}
				dst[n-1].Record.AckLogged(dst[n-1].Number)
			}
		}()
		start := time.Now()
		for v := range 10 {
			if err := latest.Send(t.Context(), v); err != nil {
				t.Error(err)
			}
		}
		for v := range 10 {
			if err := record.ProduceLogged(t.Context(), v); err != nil {
				t.Error(err)
			}
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("the values took %v of virtual time", d)
		}
		r.Close()
	})
}
