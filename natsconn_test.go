package aimdb_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/natsconn"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/natstest"
	"github.com/aimdb-go/aimdb/key"
)

// dialOver returns a client of a database over NATS.
func dialOver(t *testing.T, nc *nats.Conn, database string) *aimx.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for { // the service subscribes once the database is ready
		client, err := natsconn.Dial(ctx, nc, database)
		if err == nil {
			t.Cleanup(func() { _ = client.Close() })
			return client
		}
		if !strings.Contains(err.Error(), "no database answers over NATS") || ctx.Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// eachServer runs a test with a database whose log is in the embedded server, and with one
// on an outside server.
func eachServer(t *testing.T, test func(t *testing.T, open func(opts ...aimdb.Option) *aimdb.DB, connect func(*aimdb.DB) *nats.Conn)) {
	t.Run("embedded", func(t *testing.T) {
		test(t, func(opts ...aimdb.Option) *aimdb.DB {
			return open(t, t.TempDir(), append(opts, aimdb.Name("db"), aimdb.NATS(":0"))...)
		}, func(db *aimdb.DB) *nats.Conn { return dialNATS(t, db.Addresses().NATS) })
	})
	t.Run("outside", func(t *testing.T) {
		s := natstest.Start(t, natstest.Options{})
		test(t, func(opts ...aimdb.Option) *aimdb.DB {
			return open(t, t.TempDir(), append(opts, aimdb.Name("db"), aimdb.Log(aimdb.Cluster{URLs: []string{s.URL}}))...)
		}, func(*aimdb.DB) *nats.Conn { return dialNATS(t, s.URL) })
	})
}

// TestClientOverNATS: each call of the client over NATS.
func TestClientOverNATS(t *testing.T) {
	eachServer(t, func(t *testing.T, open func(...aimdb.Option) *aimdb.DB, connect func(*aimdb.DB) *nats.Conn) {
		db := open(aimdb.ServiceWrites("#"))
		co2 := register[reading](t, db, "attic::co2", aimdb.Ring(100), aimdb.Persist(), aimdb.Remote())
		register[int](t, db, "lamp", aimdb.Latest(), aimdb.Remote(), aimdb.Writable())
		register[int](t, db, "safe", aimdb.Latest()).Produce(1)
		defer start(t, db)()
		for i := range 20 {
			co2.Produce(reading{"x", float64(i)})
		}
		if err := db.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		nc := connect(db)
		awaitService(t, nc, "db")
		c := dialOver(t, nc, "db")
		ctx := t.Context()
		check := func(what string, err error, got, want any) {
			t.Helper()
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: %v, %v; want %v", what, got, err, want)
			}
		}
		info, err := c.Info(ctx)
		check("Info", err, info.Server+" "+strings.Join(info.WritableRecords, ","), "db lamp")
		rows, err := c.List(ctx)
		check("List", err, len(rows), 3)
		value, err := aimx.Get[reading](ctx, c, "attic::co2")
		check("Get", err, value, reading{"x", 19})
		_, err = c.Set(ctx, "lamp", 5)
		check("Set", err, nil, nil)
		check("Write", c.Write(ctx, "lamp", 6), nil, nil)
		lamp, err := c.Get(ctx, "lamp")
		check("Get after Write", err, string(lamp), "6")
		check("Ping", c.Ping(ctx), nil, nil)
		stored, err := c.Query(ctx, "attic::*", 3, history.Window{})
		check("Query", err, len(stored), 3)
		pattern, err := key.ParsePattern("#")
		if err != nil {
			t.Fatal(err)
		}
		read := 0
		for page, err := range c.HistoryPages(ctx, history.PageQuery{RangeQuery: history.RangeQuery{Pattern: pattern}}) {
			if err != nil {
				t.Fatal(err)
			}
			read += len(page.Rows)
		}
		check("HistoryPages", nil, read, 20)
		buckets, err := c.HistoryBuckets(ctx, history.BucketQuery{Pattern: pattern, Width: 24 * time.Hour, Path: "celsius"})
		check("HistoryBuckets", err, len(buckets) > 0, true)
		stats, err := c.HistoryStats(ctx)
		check("HistoryStats", err, stats.Rows, 20)
		verified, err := c.HistoryVerify(ctx)
		check("HistoryVerify", err, verified.Verdict, aimx.Complete)
		sinks, err := c.Sinks(ctx)
		check("Sinks", err, len(sinks), 1)
		order, err := c.Call(ctx, "graph.topo_order", nil)
		check("graph.topo_order", err, string(order), `["attic::co2","lamp","safe"]`)

		_, err = c.Get(ctx, "safe")
		refusedAs(t, err, aimx.CodeInternal, "not exposed")
		_, err = c.Get(ctx, "nothing")
		refusedAs(t, err, aimx.CodeNotFound, "no record")
		_, err = c.Drain(ctx, "lamp", 1)
		refusedAs(t, err, aimx.CodeNotFound, "over NATS")
		_, err = c.Watch(ctx, "nothing")
		refusedAs(t, err, aimx.CodeNotFound, "no record")
		_, err = c.Query(ctx, "#.co2", 1, history.Window{})
		refusedAs(t, err, aimx.CodeInternal, "stands at its end only")
		for _, err := range c.Follow(ctx, "#", aimx.FromTime(0)) {
			refusedAs(t, err, aimx.CodeNotFound, "consumer of the stream AIMDB_db")
		}
		_, err = natsconn.Dial(ctx, nc, "other")
		if lost := (*aimx.ConnectionError)(nil); !errors.As(err, &lost) || !strings.Contains(err.Error(), "/other: ") {
			t.Errorf("a database that does not run: %v", err)
		}
		nc.Close()
		<-c.Done()
		if _, err := c.Get(ctx, "lamp"); !errors.Is(err, nats.ErrConnectionClosed) {
			t.Errorf("after the end of the connection: %v", err)
		}
	})
}

func refusedAs(t *testing.T, err error, code aimx.Code, text string) {
	t.Helper()
	if refused := (*aimx.Refusal)(nil); !errors.As(err, &refused) || refused.Code != code || !strings.Contains(err.Error(), text) {
		t.Errorf("%v; want %s with %q", err, code, text)
	}
}

// TestWatchOverNATS: a watch has the current value and then each one, without a gap, of a
// record that persists and of one that does not. Each record counts up while it begins.
func TestWatchOverNATS(t *testing.T) {
	eachServer(t, func(t *testing.T, open func(...aimdb.Option) *aimdb.DB, connect func(*aimdb.DB) *nats.Conn) {
		db := open()
		logged := register[int](t, db, "a.logged", aimdb.Ring(10000), aimdb.Persist(), aimdb.Remote())
		other := register[int](t, db, "a::other", aimdb.Ring(10000), aimdb.Remote())
		register[int](t, db, "a.private", aimdb.Latest()).Produce(1)
		register[int](t, db, "b", aimdb.Latest(), aimdb.Remote()).Produce(1)
		defer start(t, db)()
		nc := connect(db)
		awaitService(t, nc, "db")
		c := dialOver(t, nc, "db")
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := 1; i <= 400; i++ {
				logged.Produce(i)
				other.Produce(i)
				time.Sleep(time.Millisecond) // so that the watch begins in between
			}
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		time.Sleep(50 * time.Millisecond)
		w, err := c.Watch(ctx, "a.*")
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		last, snapshots := map[string]int{}, map[string]bool{}
		for last["a.logged"] < 400 || last["a::other"] < 400 {
			u, err := w.Next(ctx)
			if err != nil {
				t.Fatalf("after %v: %v", last, err)
			}
			var n int
			if err := json.Unmarshal(u.Data, &n); err != nil {
				t.Fatal(err)
			}
			before, known := last[u.Topic]
			switch {
			case u.Skipped > 0:
				t.Errorf("%d of %s were skipped", u.Skipped, u.Topic)
			case u.Snapshot:
				snapshots[u.Topic] = true
			case !known:
				t.Errorf("%s has no current value", u.Topic)
			case n > before+1:
				t.Errorf("%s: %d after %d", u.Topic, n, before)
			}
			last[u.Topic] = max(n, before)
		}
		if len(last) != 2 || len(snapshots) != 2 {
			t.Errorf("the watch has %v, %v", last, snapshots)
		}
		<-done
	})
}

// TestCutOverNATS: a lost connection to NATS ends a watch, which would miss values. Without
// one, the client goes on.
func TestCutOverNATS(t *testing.T) {
	s := natstest.Start(t, natstest.Options{})
	db := open(t, t.TempDir(), aimdb.Name("db"), aimdb.Log(aimdb.Cluster{URLs: []string{s.URL}}))
	register[int](t, db, "a", aimdb.Latest(), aimdb.Remote()).Produce(1)
	defer start(t, db)()
	nc := dialNATS(t, s.URL)
	awaitService(t, nc, "db")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cut := func() {
		again := nc.StatusChanged(nats.CONNECTED)
		defer nc.RemoveStatusListener(again)
		if err := nc.ForceReconnect(); err != nil {
			t.Fatal(err)
		}
		<-again
	}
	c := dialOver(t, nc, "db")
	cut()
	if _, err := c.Get(ctx, "a"); err != nil {
		t.Error(err)
	}
	w, err := c.Watch(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Next(ctx); err != nil {
		t.Fatal(err)
	}
	cut()
	if u, err := w.Next(ctx); !errors.As(err, new(*aimx.ConnectionError)) {
		t.Errorf("after a cut: %v, %v", u, err)
	}
}

// TestPermissionsOverNATS: a client without a permission is told so, and does not wait.
func TestPermissionsOverNATS(t *testing.T) {
	s := natstest.Start(t, natstest.Options{User: "program", Password: "p", Config: `accounts { A: { jetstream: enabled, users: [ {user: program, password: p}
		{user: attic, password: p, permissions: { publish: "aimdb.db.rpc.get.attic.>", subscribe: ["_INBOX.>", "aimdb.db.live.attic.>"] } } ] } }`})
	db := open(t, t.TempDir(), aimdb.Name("db"), aimdb.Log(aimdb.Cluster{URLs: []string{s.URL}, User: "program", Password: "p"}))
	register[int](t, db, "attic.a", aimdb.Latest(), aimdb.Remote()).Produce(1)
	register[int](t, db, "cellar.a", aimdb.Latest(), aimdb.Remote()).Produce(1)
	defer start(t, db)()
	awaitService(t, dialNATS(t, s.URL, nats.UserInfo("program", "p")), "db")
	c := dialOver(t, dialNATS(t, s.URL, nats.UserInfo("attic", "p")), "db")
	if v, err := c.Get(t.Context(), "attic.a"); err != nil || string(v) != "1" {
		t.Errorf("%s, %v", v, err)
	}
	_, err := c.Get(t.Context(), "cellar.a")
	refusedAs(t, err, aimx.CodeDenied, "no permission for aimdb.db.rpc.get.cellar.a")
	_, err = c.Watch(t.Context(), "cellar.a")
	refusedAs(t, err, aimx.CodeDenied, "no permission for aimdb.db.live.cellar.a")
	w, err := c.Watch(t.Context(), "attic.a")
	if err != nil {
		t.Fatal(err)
	}
	if u, err := w.Next(t.Context()); err != nil || string(u.Data) != "1" || !u.Last {
		t.Errorf("%+v, %v", u, err)
	}
}

// TestNothingIsLeftOverNATS: the goroutines of client and service end with them.
func TestNothingIsLeftOverNATS(t *testing.T) {
	defer goleak.VerifyNone(t)
	db := open(t, t.TempDir(), aimdb.Name("db"), aimdb.NATS(":0"))
	register[int](t, db, "a", aimdb.Latest(), aimdb.Remote()).Produce(1)
	defer start(t, db)()
	nc, err := nats.Connect("nats://" + db.Addresses().NATS)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	awaitService(t, nc, "db")
	c, err := natsconn.Dial(t.Context(), nc, "db")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Watch(t.Context(), "#"); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if n := nc.NumSubscriptions(); n > 1 { // that of awaitService
		t.Errorf("%d subscriptions are left", n)
	}
}
