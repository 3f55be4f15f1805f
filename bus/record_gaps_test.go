package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/records"
)

// numbers checks that a value or a loss reports each number of a record once and in
// order. A value is its own number.
type numbers struct {
	t    testing.TB
	at   map[string]uint64
	lost map[string]uint64
	all  uint64 // sum of the losses without a record
}

func countNumbers(t testing.TB) *numbers {
	return &numbers{t: t, at: map[string]uint64{}, lost: map[string]uint64{}}
}

func (n *numbers) take(m Message) {
	n.t.Helper()
	if m.Loss != nil && m.Loss.Record == "" {
		n.all += m.Loss.Count
		return
	}
	from, to := uint64(0), uint64(0)
	if l := m.Loss; l != nil {
		from, to = l.From, l.To
		n.lost[m.Record] += l.Count
		if l.Count != to-from+1 || l.LastTime < l.FirstTime || l.LastTime == 0 || from > 1 && l.FirstTime == 0 {
			n.t.Fatalf("loss %+v", l)
		}
	} else {
		var v reading
		if err := json.Unmarshal(m.Value, &v); err != nil {
			n.t.Fatal(err)
		}
		from, to = uint64(v.N), uint64(v.N)
	}
	if from != n.at[m.Record]+1 {
		n.t.Fatalf("record %s: %d to %d follows %d", m.Record, from, to, n.at[m.Record])
	}
	n.at[m.Record] = to
}

// small is a log that has room for about 400 values.
var small = setup{Config: Config{MaxBytes: 96 << 10}}

// flood produces the values from one number to another of a, and a third as many of c,
// with numbers of their own.
func flood(t testing.TB, b testBus, reg *records.Registry, a, c *records.Record[reading], from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		if err := a.Send(deadline(t), reading{i}); err != nil {
			t.Fatal(err)
		}
		if i%3 == 0 {
			if err := c.Send(deadline(t), reading{i / 3}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := b.Flush(deadline(t), reg); err != nil {
		t.Fatal(err)
	}
}

func two(t testing.TB, reg *records.Registry) (a, c *records.Record[reading]) {
	logged := records.Config{Kind: records.Ring, Capacity: 100, Logged: true, Lossless: []string{records.LogReader}}
	return register(t, reg, "a", logged), register(t, reg, "c", logged)
}

// Messages that the log discards before a sink reads them are reported as a range of the
// log, and by record with the numbers of its values.
func TestDiscardedValuesAreToldByRecord(t *testing.T) {
	b := open(t, small)
	reg := registry(t)
	a, c := two(t, reg)
	republish(t, b, reg)
	flood(t, b, reg, a, c, 1, 30)
	sink, err := b.Consumer(deadline(t), "sink", history.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	seen := countNumbers(t)
	const last = 15_000 // more than the log and what is on its way to the sink
	for flooded, done := false, false; !done; {
		dst := make([]Message, 8)
		n, err := sink.Next(deadline(t), dst, 1<<20, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range dst[:n] {
			seen.take(m)
		}
		if !flooded {
			flooded = true
			flood(t, b, reg, a, c, 31, last)
		}
		done = seen.at["a"] == last && seen.at["c"] == last/3
	}
	if seen.lost["a"] == 0 || seen.lost["c"] == 0 || seen.lost["a"]+seen.lost["c"] != seen.all {
		t.Fatalf("lost %v by record, %d of the log", seen.lost, seen.all)
	}
}

// A run that began after the sink's position is reported by record from its first number.
// Of a run that the sink has read in part the numbers are unknown, and only the range is
// reported.
func TestDiscardedValuesAcrossRuns(t *testing.T) {
	dir := t.TempDir()
	for _, began := range []uint64{0, 5} {
		t.Run(fmt.Sprintf("read up to %d", began), func(t *testing.T) {
			config := small
			config.Dir = dir + fmt.Sprint(began)
			b, err := tryOpen(t, config)
			if err != nil {
				t.Fatal(err)
			}
			reg := registry(t)
			a, c := two(t, reg)
			stop := republish(t, b, reg)
			flood(t, b, reg, a, c, 1, 3000)
			stop()
			closeBus(t, b)
			b = open(t, config)
			reg = registry(t)
			a, c = two(t, reg)
			republish(t, b, reg)
			flood(t, b, reg, a, c, 1, 3)
			state, err := b.state(deadline(t))
			if err != nil {
				t.Fatal(err)
			}
			shares := uint64(0)
			at := history.Position{Log: b.Identity(), Sequence: began}
			for _, m := range readAll(t, b, at, int(state.Msgs)+1) {
				switch {
				case m.Loss == nil:
				case m.Loss.Record == "":
					if m.Loss.From != began+1 || m.Loss.To != state.FirstSeq-1 {
						t.Fatalf("range %+v, want %d to %d", m.Loss, began+1, state.FirstSeq-1)
					}
				default:
					shares += m.Loss.Count
				}
			}
			if want := (state.FirstSeq - 1) * uint64(1-min(began, 1)); shares != want {
				t.Fatalf("%d values of records are reported lost, want %d", shares, want)
			}
		})
	}
}

// A follower that the log's limit overtakes learns how many values of each record it
// missed.
func TestFollowerIsToldWhatTheLogDiscarded(t *testing.T) {
	b := open(t, small)
	reg := registry(t)
	a, c := two(t, reg)
	republish(t, b, reg)
	seen := countNumbers(t)
	flood(t, b, reg, a, c, 1, 30)
	const last = 9000
	ctx, stop := context.WithCancel(deadline(t))
	defer stop()
	flooded := false
	for m, err := range b.Follow(ctx, key.WirePattern("#"), 0) {
		if err != nil {
			t.Fatal(err)
		}
		seen.take(m)
		if !flooded {
			flooded = true
			flood(t, b, reg, a, c, 31, last)
		}
		if seen.at["a"] == last && seen.at["c"] == last/3 {
			break
		}
	}
	if ctx.Err() != nil || seen.lost["a"] == 0 || seen.lost["c"] == 0 {
		t.Fatalf("followed to %v, lost %v", seen.at, seen.lost)
	}
}

// If the log begins after a follower's start, the first message is a loss.
func TestFollowerIsToldThatTheLogBeginsBehindIt(t *testing.T) {
	b := open(t, small)
	reg := registry(t)
	a, c := two(t, reg)
	republish(t, b, reg)
	flood(t, b, reg, a, c, 1, 3000)
	state, err := b.state(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	for m, err := range b.Follow(deadline(t), key.WirePattern("c"), 5) {
		if err != nil || m.Loss == nil || m.Loss.Cause != loss.LogDiscarded || m.Loss.From != 6 || m.Loss.To != state.FirstSeq-1 || m.Loss.Record != "" {
			t.Fatalf("first comes %+v %+v (%v), want that 6 to %d are missing", m, m.Loss, err, state.FirstSeq-1)
		}
		break
	}
	// Nothing is missing from the rest of the log: c has every fourth message.
	n := 0
	for m, err := range b.Follow(deadline(t), key.WirePattern("c"), state.FirstSeq) {
		if err != nil || m.Loss != nil {
			t.Fatalf("%+v %+v (%v)", m, m.Loss, err)
		}
		if n++; n == 20 {
			break
		}
	}
}

// An overrun before the log is not a gap in it.
func TestFollowTakesNoOverrunForAGap(t *testing.T) {
	b := open(t, setup{})
	reg := registry(t)
	r := register(t, reg, "a", records.Config{Kind: records.Ring, Capacity: 8, Logged: true})
	latest := register(t, reg, "b", records.Config{Kind: records.Latest, Logged: true})
	for i := range 20 {
		r.Produce(reading{i})
		latest.Produce(reading{i})
	}
	republish(t, b, reg)
	if _, err := b.Flush(deadline(t), reg); err != nil {
		t.Fatal(err)
	}
	r.Produce(reading{20})
	n, lost := 0, uint64(0)
	for m, err := range b.Follow(deadline(t), key.WirePattern("#"), 0) {
		if err != nil || m.Loss != nil {
			t.Fatalf("%+v %+v (%v)", m, m.Loss, err)
		}
		lost += m.Lost
		if n++; n == 10 {
			break
		}
	}
	if lost != 12 {
		t.Fatalf("%d values are reported lost, want 12", lost)
	}
}

// A follower that keeps up receives no loss when the log discards its start, nor with the
// first value of a record that it has not seen.
func TestFollowerThatKeepsUpIsToldOfNoLoss(t *testing.T) {
	b := open(t, small)
	reg := registry(t)
	a, c := two(t, reg)
	republish(t, b, reg)
	flood(t, b, reg, a, c, 1, 30)
	begin, err := b.LastSequence(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	const last = 2000
	produce := func(r *records.Record[reading], n int) {
		if err := r.ProduceLogged(deadline(t), reading{n}); err != nil {
			t.Fatal(err)
		}
	}
	produce(a, 31)
	for m, err := range b.Follow(deadline(t), key.WirePattern("#"), begin) {
		if err != nil || m.Loss != nil {
			t.Fatalf("%+v %+v (%v)", m, m.Loss, err)
		}
		if m.Record == "c" {
			break
		}
		var v reading
		if err := json.Unmarshal(m.Value, &v); err != nil {
			t.Fatal(err)
		}
		if v.N == last {
			produce(c, 11) // the first for long
		} else {
			produce(a, v.N+1)
		}
	}
	state, err := b.state(deadline(t))
	if err != nil || state.FirstSeq < begin+2 {
		t.Fatalf("the log begins at %d still: the limit had no effect (%v)", state.FirstSeq, err)
	}
}
