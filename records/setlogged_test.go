package records_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/records"
)

// loggedRing is a logged ring and the feed of its log.
func loggedRing(t testing.TB, capacity int) (*records.Untyped, *records.Feed) {
	t.Helper()
	r := records.NewRegistry(records.RegistryOptions{})
	t.Cleanup(r.Close)
	record, err := records.Register[int](r, "n", records.Config{Kind: records.Ring, Capacity: capacity, Logged: true, Writable: true})
	if err != nil {
		t.Fatal(err)
	}
	u := record.Untyped()
	return u, r.NewFeed(records.LogReader, []*records.Untyped{u})
}

// taken takes what is there as the log does.
func taken(t testing.TB, f *records.Feed) (values []string) {
	t.Helper()
	items := make([]records.Item, 64)
	for {
		n := f.TryTake(items)
		for _, item := range items[:n] {
			values = append(values, string(item.JSON))
		}
		if n == 0 {
			return values
		}
	}
}

func set(t testing.TB, u *records.Untyped, value string) records.Ack {
	t.Helper()
	ack, err := u.SetLogged(t.Context(), json.RawMessage(value))
	if err != nil {
		t.Fatal(err)
	}
	return ack
}

// TestSetLogged: many values wait for the log at once, each for its own outcome, in
// whatever order they are waited for.
func TestSetLogged(t *testing.T) {
	u, feed := loggedRing(t, 8)
	var acks []records.Ack
	for i := range 5 {
		acks = append(acks, set(t, u, fmt.Sprint(i)))
	}
	if got := fmt.Sprint(taken(t, feed)); got != "[0 1 2 3 4]" {
		t.Fatal(got)
	}
	done := make(chan error, 1)
	go func() { done <- acks[3].Wait(t.Context()) }()
	cause := errors.New("refused")
	u.FailLogged(2, 2, cause)
	u.AckLogged(4)
	if err := <-done; err != nil {
		t.Error(err)
	}
	var lost *records.LostError
	if err := acks[1].Wait(t.Context()); !errors.As(err, &lost) || lost.Number != 2 || !errors.Is(err, cause) {
		t.Error(err)
	}
	if err := errors.Join(acks[0].Wait(t.Context()), acks[0].Wait(t.Context()), acks[2].Wait(t.Context())); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := acks[4].Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	u.AckLogged(5)
	if err := acks[4].Wait(t.Context()); err != nil {
		t.Errorf("a wait after one that was cut off: %v", err)
	}
}

// TestSetLoggedWaitsForSpace: no value replaces one that the log has not read.
func TestSetLoggedWaitsForSpace(t *testing.T) {
	u, feed := loggedRing(t, 4)
	for i := range 4 {
		set(t, u, fmt.Sprint(i))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := u.SetLogged(ctx, json.RawMessage("4")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a full ring: %v", err)
	}
	if got := fmt.Sprint(taken(t, feed)); got != "[0 1 2 3]" {
		t.Error(got)
	}
	if _, err := u.SetLogged(t.Context(), json.RawMessage("5")); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(taken(t, feed)); got != "[5]" {
		t.Error(got)
	}
}

// TestSetLoggedRefusals: what Set refuses is refused with its path; the end of the
// registry ends what waits.
func TestSetLoggedRefusals(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	type value struct {
		N []int `json:"n"`
	}
	logged, err := records.Register[value](r, "logged", records.Config{Kind: records.Ring, Capacity: 4, Logged: true})
	if err != nil {
		t.Fatal(err)
	}
	memory, err := records.Register[value](r, "memory", records.Config{Kind: records.Latest})
	if err != nil {
		t.Fatal(err)
	}
	var invalid *records.InvalidError
	for text, path := range map[string]string{`{"n":[1,"x"]}`: "/n/1", `{}`: "/n", `[]`: "", `{`: "", `{"n":[]} 7`: ""} {
		if _, err := logged.Untyped().SetLogged(t.Context(), json.RawMessage(text)); !errors.As(err, &invalid) || invalid.Path != path {
			t.Errorf("%s: %v, want the path %q", text, err, path)
		}
	}
	if ack := set(t, memory.Untyped(), `{"n":[]}`); ack.Logged() || ack.Wait(t.Context()) != nil {
		t.Error("a record that is not logged waits")
	}
	ack := set(t, logged.Untyped(), `{"n":[]}`)
	r.Close()
	if err := ack.Wait(t.Context()); !errors.Is(err, records.ErrClosed) {
		t.Error(err)
	}
	if _, err := logged.Untyped().SetLogged(t.Context(), json.RawMessage(`{"n":[]}`)); !errors.Is(err, records.ErrClosed) {
		t.Error(err)
	}
}

// BenchmarkSetLogged measures a value of a batch of 256 that is set, taken and waited for,
// beside one that is only set and taken.
func BenchmarkSetLogged(b *testing.B) {
	const batch = 256
	value := json.RawMessage("7")
	for _, logged := range []bool{false, true} {
		b.Run(map[bool]string{false: "set", true: "logged"}[logged], func(b *testing.B) {
			u, feed := loggedRing(b, 2*batch)
			acks := make([]records.Ack, batch)
			items := make([]records.Item, 2*batch)
			b.ReportAllocs()
			for number := 0; b.Loop(); number++ {
				if logged {
					ack, err := u.SetLogged(b.Context(), value)
					if err != nil {
						b.Fatal(err)
					}
					acks[number%batch] = ack
				} else if err := u.Set(value); err != nil {
					b.Fatal(err)
				}
				if number%batch < batch-1 {
					continue
				}
				feed.TryTake(items)
				u.AckLogged(uint64(number + 1))
				for _, ack := range acks {
					if err := ack.Wait(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
