package pump_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/records"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/pump"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

// following is a sink that follows the numbers of each record, and refuses values without
// saying which.
type following struct {
	at     history.Position
	refuse string
	last   map[string]sinks.Numbers
	holes  []string
	lost   []loss.Loss
}

func (c *following) Name() string                                         { return "following" }
func (c *following) Checkpoint(context.Context) (history.Position, error) { return c.at, nil }

func (c *following) Write(_ context.Context, b *sinks.Batch) error {
	all := slices.Clone(b.Covered)
	add := func(e sinks.Entry) {
		all = append(all, sinks.Numbers{Sequence: e.Sequence, Record: e.Record, Run: e.Run, From: e.Number, To: e.Number})
	}
	for _, e := range b.Entries {
		if string(e.Value) == c.refuse {
			return &sinks.RefusedError{Reason: errors.New("no")}
		}
		add(e)
	}
	for _, r := range b.Refused {
		add(r.Entry)
	}
	slices.SortFunc(all, func(a, b sinks.Numbers) int { return cmp.Compare(a.Sequence, b.Sequence) })
	for _, n := range all {
		want := uint64(1)
		if last, have := c.last[n.Record]; have && last.Run == n.Run {
			want = last.To + 1
		}
		if n.From != want || n.Sequence > b.Checkpoint.Sequence {
			c.holes = append(c.holes, fmt.Sprintf("%+v, want %d", n, want))
		}
		c.last[n.Record] = n
	}
	c.lost = append(c.lost, b.Losses...)
	c.at = b.Checkpoint
	return nil
}

func runPump(t *testing.T, source pump.Source, sink sinks.Sink, last uint64) {
	t.Helper()
	p, err := pump.New(pump.Config{Source: source, Sink: sink})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	if err := p.WaitStored(within(t), last); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// The numbers of a real log have no hole, whatever was lost on the way into it.
func TestLossesCoverTheirNumbers(t *testing.T) {
	dir, sink := t.TempDir(), &following{last: map[string]sinks.Numbers{}}
	for range 2 {
		b, closeLog := openLog(t, dir, bus.Config{MaxValue: 1000})
		reg := records.NewRegistry(records.RegistryOptions{})
		var all []*records.Record[string]
		for _, kind := range []records.Kind{records.Ring, records.Latest, records.Mailbox} {
			c := records.Config{Kind: kind, Logged: true}
			if kind == records.Ring {
				c.Capacity = 8
			}
			r, err := records.Register[string](reg, fmt.Sprint("r", len(all)), c)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, r)
			for i := range 20 { // more than it holds
				r.Produce(fmt.Sprint(i))
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		rep := b.Republisher(reg)
		go func() { done <- rep.Run(ctx) }()
		for i := range 3 {
			for _, r := range all {
				_ = r.ProduceLogged(within(t), strings.Repeat("x", 600*i)) // the last one is too large
			}
		}
		for _, r := range all {
			if err := r.ProduceLogged(within(t), "end"); err != nil {
				t.Error(err)
			}
		}
		last, err := b.Flush(within(t), reg)
		if err != nil {
			t.Fatal(err)
		}
		runPump(t, pump.FromBus(b), sink, last)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		reg.Close()
		if err := closeLog(); err != nil {
			t.Fatal(err)
		}
	}
	if len(sink.last) != 3 || len(sink.lost) < 8 || len(sink.holes) > 0 {
		t.Errorf("%d records, %d losses, holes %q", len(sink.last), len(sink.lost), sink.holes)
	}
	if sink.lost[0].Run == sink.lost[len(sink.lost)-1].Run {
		t.Errorf("losses of two runs have one: %+v", sink.lost)
	}
}

// A batch that is halved until the refused values are alone keeps the order of the numbers.
func TestHalvedBatchesKeepTheNumbersInOrder(t *testing.T) {
	l, sink := sinktest.NewLog("log"), &following{last: map[string]sinks.Numbers{}, refuse: "no"}
	for n := uint64(1); n <= 40; n++ {
		m := bus.Message{Record: "a", Run: 7, Number: n, Time: int64(n), Value: []byte("1")}
		switch n % 5 {
		case 0:
			m.Loss, m.Value = &loss.Loss{Record: "a", Cause: loss.RingOverrun, Count: 1, From: n, To: n}, nil
		case 3:
			m.Value = []byte("no")
		}
		l.Add(m)
	}
	runPump(t, l, sink, 40)
	if len(sink.holes) > 0 || sink.last["a"].To != 40 {
		t.Errorf("holes %q, the last number is %+v", sink.holes, sink.last["a"])
	}
	refused := 0
	for _, lost := range sink.lost {
		if lost.Cause == loss.SinkRefused {
			refused++
		}
	}
	if refused != 8 || len(sink.lost) != 16 {
		t.Errorf("%d losses, %d refused: %+v", len(sink.lost), refused, sink.lost)
	}
}
