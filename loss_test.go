package aimdb_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// A value that a sink refuses is in the ledger of that sink and in its stats, and
// nowhere else: neither the record nor its next message knows of it.
func TestARefusedValueStaysWithItsSink(t *testing.T) {
	defer goleak.VerifyNone(t)
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "history.db"), sqlite.MaxValueBytes(50))
	if err != nil {
		t.Fatal(err)
	}
	db, err := aimdb.New(aimdb.Name("hub"), aimdb.WithPersistence(store, 0), aimdb.NATS("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	r := register[string](t, db, "n", aimdb.Ring(100), aimdb.Persist(), aimdb.Remote())
	stop := start(t, db)
	nc, err := nats.Connect("nats://" + db.Addresses().NATS)
	if err != nil {
		t.Fatal(err)
	}
	sub, err := nc.SubscribeSync("aimdb.hub.log.>")
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now().Add(-time.Millisecond)
	for _, v := range []string{"first", strings.Repeat("x", 60)} {
		r.Produce(v)
	}
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{"next", "one more"} {
		r.Produce(v)
	}
	for i, want := range []string{"", "", "", ""} {
		m, err := sub.NextMsg(time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Header.Get("Aimdb-Lost"); got != want {
			t.Errorf("message %d says %q were lost, want %q", i+1, got, want)
		}
	}
	told := 0
	for l, err := range store.Losses(t.Context()) {
		told++
		at := time.UnixMilli(l.FirstTime)
		if err != nil || l.Record != "n" || l.Cause != loss.SinkRefused || l.Count != 1 || l.From != 2 || l.To != 2 ||
			l.FirstTime != l.LastTime || at.Before(before) || at.After(time.Now()) {
			t.Errorf("the ledger says %+v (%v)", l, err)
		}
	}
	m := r.Untyped().Metrics()
	if told != 1 || m.Lost != 0 || len(m.LostBy) != 0 {
		t.Errorf("%d entries in the ledger; the record counts %d, by cause %v", told, m.Lost, m.LostBy)
	}
	stats, err := db.Stats(t.Context())
	if err != nil || stats.Sinks[0].Lost != 1 || stats.Sinks[0].Refused != 1 || stats.History.Lost != 1 {
		t.Errorf("stats %+v of the sink, %v", stats.Sinks, err)
	}
	nc.Close()
	stop()
}

// Who follows more slowly than the log discards is told how much is missing.
func TestFollowTellsWhatTheLogDiscarded(t *testing.T) {
	defer goleak.VerifyNone(t)
	db := open(t, t.TempDir(), aimdb.LogLimits(time.Hour, 64<<10))
	r := register[int](t, db, "n", aimdb.Ring(10), aimdb.Persist(), aimdb.Lossless())
	stop := start(t, db)
	send := func(from, to int) {
		for i := from; i <= to; i++ {
			if err := r.Send(t.Context(), i); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	send(1, 10)
	at, ranges, overtaken := 0, 0, false
	for event, err := range aimdb.Follow[int](t.Context(), db, "#", time.Time{}) {
		switch {
		case err != nil:
			t.Fatal(err)
		case event.CaughtUp: // the log passes by before it is read, which is a range
			send(11, 3000)
			continue
		case event.Loss != nil:
			if ranges++; event.Loss.From != uint64(at+1) || event.Loss.To != uint64(event.Value-1) {
				t.Fatalf("missing is %+v, between %d and %d", event.Loss, at, event.Value)
			}
		case event.Value != at+int(event.Lost)+1:
			t.Fatalf("%d behind %d, and %d are told lost", event.Value, at, event.Lost)
		}
		at = event.Value
		overtaken = overtaken || event.Lost > 0
		if at == 6000 {
			break
		}
		if ranges == 1 && at > 10 && !overtaken {
			send(max(3001, int(r.Untyped().Produced())+1), 6000) // once more, of a record that was read
		}
	}
	if ranges != 1 || !overtaken {
		t.Errorf("%d ranges were told, want 1, and behind it values: %v", ranges, overtaken)
	}
	stop()
}
