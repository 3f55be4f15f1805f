package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/records"
)

// An overrun of the ring is reported by a message before the next value, by that
// value's header, and by the record.
func TestRingOverrunIsTold(t *testing.T) {
	b := open(t, setup{})
	reg := registry(t)
	r := register(t, reg, "temp::vienna", records.Config{Kind: records.Ring, Capacity: 8, Logged: true})
	for i := range 20 {
		r.Produce(reading{i})
	}
	republish(t, b, reg)
	last, err := b.Flush(deadline(t), reg)
	if err != nil || last != 9 {
		t.Fatalf("the log ends at %d, want 9 (%v)", last, err)
	}
	all := readAll(t, b, history.Position{}, 9)
	l := all[0].Loss
	if l == nil || l.Record != "temp::vienna" || l.Cause != loss.RingOverrun || l.Count != 12 || l.From != 1 || l.To != 12 {
		t.Fatalf("loss %+v", l)
	}
	if l.FirstTime != 0 || l.LastTime != all[1].Time {
		t.Fatalf("the loss is between %d and %d, want up to %d", l.FirstTime, l.LastTime, all[1].Time)
	}
	for i, m := range all[1:] {
		want := uint64(0)
		if i == 0 {
			want = 12
		}
		if string(m.Value) != fmt.Sprintf(`{"n":%d}`, 12+i) || m.Lost != want {
			t.Fatalf("value %s lost %d", m.Value, m.Lost)
		}
	}
	if _, total := r.Untyped().Losses(); total != 12 {
		t.Fatalf("the record counts %d losses", total)
	}
}

// A value that cannot be encoded or is too large is lost alone.
func TestUnfitValuesAreTold(t *testing.T) {
	type value struct {
		N    float64 `json:"n"`
		Text string  `json:"text,omitempty"`
	}
	b := open(t, setup{Config: Config{MaxValue: 1000}})
	reg := registry(t)
	r, err := records.Register[value](reg, "v", records.Config{Kind: records.Ring, Capacity: 100, Logged: true})
	if err != nil {
		t.Fatal(err)
	}
	republish(t, b, reg)
	var lost *records.LostError
	for i, v := range []value{{N: 1}, {N: math.NaN()}, {N: 3}, {Text: strings.Repeat("x", 1001)}, {N: 5}} {
		err := r.ProduceLogged(deadline(t), v)
		switch i {
		case 1:
			if !errors.As(err, &lost) || lost.Cause != loss.NotEncodable {
				t.Fatalf("NaN: %v", err)
			}
		case 3:
			if !errors.As(err, &lost) || lost.Cause != loss.LogRefused {
				t.Fatalf("too large: %v", err)
			}
		default:
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	causes := []loss.Cause{"", loss.NotEncodable, "", loss.LogRefused, ""}
	for i, m := range readAll(t, b, history.Position{}, 5) {
		if (m.Loss == nil) != (causes[i] == "") || m.Loss != nil && (m.Loss.Cause != causes[i] || m.Loss.From != uint64(i+1)) {
			t.Fatalf("message %d: %+v %+v", i, m, m.Loss)
		}
		if m.Loss == nil && i > 0 && m.Lost != 1 {
			t.Fatalf("message %d says %d were lost", i, m.Lost)
		}
	}
	if _, total := r.Untyped().Losses(); total != 2 {
		t.Fatalf("the record counts %d losses", total)
	}
}

// After a missing answer it is unknown which messages were stored. The log must end up
// with each value once and in order.
func TestUnclearAnswersStoreOnce(t *testing.T) {
	for _, durable := range []bool{false, true} {
		t.Run(fmt.Sprintf("durable=%v", durable), func(t *testing.T) {
			b := open(t, setup{Config: Config{Durable: durable}, Dir: t.TempDir()})
			reg := registry(t)
			r := register(t, reg, "a", records.Config{Kind: records.Ring, Capacity: 100, Logged: true, Lossless: []string{records.LogReader}})
			republish(t, b, reg)
			ctx := deadline(t)
			const n = 5000
			for i := range n {
				if err := r.Send(ctx, reading{i}); err != nil {
					t.Fatal(err)
				}
				if i%700 == 350 {
					if err := b.server.Restart(); err != nil {
						t.Fatal(err)
					}
				}
			}
			last, err := b.Flush(ctx, reg)
			if err != nil || last != n {
				t.Fatalf("the log ends at %d, want %d (%v)", last, n, err)
			}
			for i, m := range readAll(t, b, history.Position{}, n) {
				if want := fmt.Sprintf(`{"n":%d}`, i); string(m.Value) != want {
					t.Fatalf("value %d is %s", i, m.Value)
				}
			}
			if _, total := r.Untyped().Losses(); total != 0 {
				t.Fatalf("%d values were lost", total)
			}
		})
	}
}

func TestRunEndsWhenTheServerStops(t *testing.T) {
	b := open(t, setup{})
	done := make(chan error, 1)
	go func() { done <- b.Run(t.Context()) }()
	b.server.NATS().Shutdown()
	select {
	case err := <-done:
		if err == nil {
			t.Fatal("Run ended without an error")
		}
	case <-deadline(t).Done():
		t.Fatal("Run does not end although the server has stopped")
	}
}

// Run drains the rings into the log at its end and logs how many values that were.
func TestDrainAtTheEnd(t *testing.T) {
	var said bytes.Buffer // Run writes to it only while it is waited for
	b := open(t, setup{Config: Config{Logger: slog.New(slog.NewTextHandler(&said, nil))}})
	reg := registry(t)
	r := register(t, reg, "a", records.Config{Kind: records.Ring, Capacity: 5000, Logged: true})
	republisher := b.Republisher(reg)
	for i := range 5000 {
		r.Produce(reading{i})
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := republisher.Run(ended); err != nil {
		t.Fatal(err)
	}
	if last, err := b.LastSequence(deadline(t)); err != nil || last != 5000 {
		t.Fatalf("the log ends at %d, want 5000 (%v)", last, err)
	}
	if want := "flushed=5000 left=0 records_with_values_left=0"; !strings.Contains(said.String(), want) {
		t.Errorf("the log has %q, want %q in it", said.String(), want)
	}
}
