package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	embedded "github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/bus"
)

// elsewhereFollower follows n::* over a gateway elsewhere.
type elsewhereFollower struct {
	t      *testing.T
	events chan aimx.Event[int]
	failed chan error
}

func (w *elsewhereWorld) follow(socket string, start aimx.Start) *elsewhereFollower {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	f := &elsewhereFollower{w.t, make(chan aimx.Event[int]), make(chan error, 1)}
	client, err := aimx.Dial(ctx, socket)
	if err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for e, err := range aimx.Follow[int](ctx, client, "n::*", start) {
			if err != nil {
				f.failed <- err
				return
			}
			select {
			case f.events <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	w.t.Cleanup(func() {
		cancel()
		<-ended
		_ = client.Close() // always nil
	})
	return f
}

// next returns the next event as text.
func (f *elsewhereFollower) next() (text, position string) {
	f.t.Helper()
	select {
	case e := <-f.events:
		switch {
		case e.Begin != nil && e.Begin.Reason != "":
			text = "falls back"
		case e.Begin != nil:
			text = "begins"
		case e.Cut != nil:
			text = "cut"
		case e.CaughtUp:
			text = "caught up"
		case e.Lost > 0 || e.Loss != nil:
			text = fmt.Sprintf("%s %d lost %d %v", e.Record, e.Value, e.Lost, e.Loss)
		default:
			text = fmt.Sprintf("%s %d", e.Record, e.Value)
		}
		return text, e.Position()
	case err := <-f.failed:
		f.t.Fatal(err)
	case <-time.After(time.Minute):
		f.t.Fatal("nothing comes")
	}
	return "", ""
}

// expect checks the next events and returns the position of the last one.
func (f *elsewhereFollower) expect(all ...string) (position string) {
	f.t.Helper()
	for _, want := range all {
		var got string
		if got, position = f.next(); got != want {
			f.t.Fatalf("got %q, want %q", got, want)
		}
	}
	return position
}

func valuesFrom(first, last int) (all []string) {
	for n := first; n <= last; n++ {
		all = append(all, fmt.Sprintf("n::a %d", n))
	}
	return all
}

func (w *elsewhereWorld) gateway(args ...string) (socket string) {
	w.t.Helper()
	socket = filepath.Join(w.t.TempDir(), "g.sock")
	w.start(append([]string{"gateway", "--socket", socket}, args...)...)
	soon(w.t, "the gateway serves", func() bool { return aimdb(w.t, "record", "get", "n::a", "--connect", socket).code == exitOK })
	return socket
}

// TestFollowElsewhere: a sub with from over a gateway elsewhere begins with the log, goes on
// over an outage of the servers, and its positions hold at the gateway of the database and
// back.
func TestFollowElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(10)
	w.hidden.Produce(7)
	socket := w.gateway()
	f := w.follow(socket, aimx.FromTime(0))
	f.expect("begins")
	fifth := f.expect(valuesFrom(1, 5)...)
	f.expect(valuesFrom(6, 10)...)
	f.expect("caught up")
	w.produce(2)
	f.expect("n::a 11", "n::a 12")
	w.server.Kill()
	w.server.Restart()
	w.server.AwaitJetStream()
	w.produce(3)
	f.expect(valuesFrom(13, 15)...)

	again := w.follow(socket, aimx.After(fifth))
	again.expect("begins", "caught up")
	tenth := again.expect(valuesFrom(6, 10)...)
	other := w.follow(w.gateway(), aimx.After(tenth)) // another gateway of the same log
	other.expect("begins", "caught up")
	other.expect(valuesFrom(11, 15)...)
	end := w.follow(socket, aimx.FromTime(time.Now().Add(time.Hour).UnixMilli()))
	end.expect("begins", "caught up")
}

// TestFollowElsewhereWithHistory: with a history the sequence begins there, and falls back to
// it when the log has discarded what follows a position.
func TestFollowElsewhereWithHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(10)
	w.sink("sqlite", "a.db", "active")
	w.stored("sqlite-a")
	socket := w.gateway("--history", "a.db")
	f := w.follow(socket, aimx.FromTime(0))
	f.expect("begins")
	stored := f.expect(valuesFrom(1, 4)...)
	f.expect(valuesFrom(5, 10)...)
	f.expect("caught up")
	w.produce(5)
	live := f.expect("n::a 11")
	f.expect(valuesFrom(12, 15)...)
	w.stored("sqlite-a")
	w.purge()

	rest := w.follow(socket, aimx.After(stored))
	rest.expect("falls back")
	rest.expect(valuesFrom(1, 15)...)
	after := w.follow(socket, aimx.After(live))
	after.expect("falls back")
	after.expect(valuesFrom(1, 15)...)
	after.expect("caught up")
	w.produce(1)
	after.expect("n::a 16")

	without := w.follow(w.gateway(), aimx.After(live)) // without a history it is a loss
	without.expect("begins", "caught up")
	w.produce(1)
	if got, _ := without.next(); !strings.HasPrefix(got, "n::a 16 lost") {
		t.Errorf("got %s", got)
	}
}

// TestFollowElsewhereNewRecords: a sequence of a pattern has the first value of a record that
// the log did not have before.
func TestFollowElsewhereNewRecords(t *testing.T) {
	w := newWorld(t)
	w.produce(1)
	f := w.follow(w.gateway(), aimx.FromTime(0))
	f.expect("begins", "n::a 1", "caught up")
	w.stopDB()
	w.register = func(db *embedded.DB) error {
		added, err := embedded.Register[int](db, "n::new", embedded.Ring(10), embedded.Persist(), embedded.Remote())
		if err != nil {
			return err
		}
		secret, err := embedded.Register[int](db, "n::secret", embedded.Ring(10), embedded.Persist())
		if err != nil {
			return err
		}
		secret.Produce(9)
		added.Produce(1)
		added.Produce(2)
		return nil
	}
	w.startDB()
	f.expect("n::new 1", "n::new 2")
}

// purge removes all messages of the log.
func (w *elsewhereWorld) purge() {
	w.t.Helper()
	js, err := jetstream.New(w.server.Connect())
	if err != nil {
		w.t.Fatal(err)
	}
	log, err := js.Stream(w.t.Context(), bus.StreamName("hub"))
	if err == nil {
		err = log.Purge(w.t.Context())
	}
	if err != nil {
		w.t.Fatal(err)
	}
}
