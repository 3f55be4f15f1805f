package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/history"
)

func TestClientOnBothTransports(t *testing.T) {
	h := open(t)
	h.history.rows = []history.Row{{ID: 1, Record: "accuracy::vienna", Time: 7, Value: []byte(`{"ppm":1}`)}}
	for _, endpoint := range []string{h.socket, "unix://" + h.socket, "UDS://" + h.socket, h.webSocket(), strings.TrimSuffix(h.webSocket(), "/ws")} {
		t.Run(endpoint, func(t *testing.T) {
			ctx, c := soon(t), dial(t, endpoint)
			if info, err := c.Info(ctx); err != nil || info.Server != "house" || len(info.WritableRecords) != 3 {
				t.Errorf("info %+v, %v", info, err)
			}
			if v, err := c.Set(ctx, "hub.settings", settings{4}); err != nil || string(v) != `{"tolerance_celsius":4.0}` {
				t.Errorf("set %s, %v", v, err)
			}
			if v, err := c.Get(ctx, "hub.settings"); err != nil || string(v) != `{"tolerance_celsius":4.0}` {
				t.Errorf("get %s, %v", v, err)
			}
			if err := c.Write(ctx, "hub.settings", settings{5}); err != nil {
				t.Error(err)
			}
			if v, err := c.Drain(ctx, "hub.settings", -1); err != nil || len(v) != 1 || string(v[0]) != `{"tolerance_celsius":5.0}` {
				t.Errorf("drained %s, %v", v, err)
			}
			rows, err := c.Query(ctx, "accuracy::*", 3, history.Window{})
			if want := []history.Row{{Record: "accuracy::vienna", Time: 7, Value: []byte(`{"ppm":1}`)}}; err != nil || !reflect.DeepEqual(rows, want) {
				t.Errorf("query %v, %v", rows, err)
			}
			if err := c.Ping(ctx); err != nil {
				t.Error(err)
			}
			if _, err := c.Get(ctx, `say "hi" \ <&>`); !refusedWith(err, aimx.CodeNotFound) || !strings.Contains(err.Error(), c.Endpoint().String()) {
				t.Errorf("got %v", err)
			}
			if _, err := c.Set(ctx, "attic.door", reading{PPM: 1}); !refusedWith(err, aimx.CodeDenied) {
				t.Errorf("got %v", err)
			}
			watching(t, h, c)
		})
	}
}

func refusedWith(err error, code aimx.Code) bool {
	var r *aimx.Refusal
	return errors.As(err, &r) && r.Code == code
}

func watching(t *testing.T, h *fixture, c *aimx.Client) {
	t.Helper()
	ctx := soon(t)
	w, err := c.Watch(ctx, "hub.#")
	if err != nil {
		t.Fatal(err)
	}
	u, err := w.Next(ctx)
	if err != nil || !u.Snapshot || u.Seq != 1 || u.Topic != "hub.settings" {
		t.Errorf("first %+v, %v", u, err)
	}
	h.tuned.Produce(settings{9})
	u, err = w.Next(ctx)
	if err != nil || u.Snapshot || u.Seq != 2 || u.Skipped != 0 || string(u.Data) != `{"tolerance_celsius":9.0}` {
		t.Errorf("second %+v, %v", u, err)
	}
	w.Close()
	if _, err := w.Next(ctx); err == nil {
		t.Error("a closed watch goes on")
	}
	exact, err := c.Watch(ctx, "hub.settings")
	if err != nil {
		t.Fatal(err)
	}
	defer exact.Close()
	for u, err := range exact.All(ctx) {
		if err != nil || u.Topic != "hub.settings" {
			t.Errorf("got %+v, %v", u, err)
		}
		break
	}
}

func TestListOfRecords(t *testing.T) {
	h := open(t)
	h.co2.Produce(reading{PPM: 1})
	rows, err := dial(t, h.socket).List(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 7 {
		t.Fatalf("%d rows", len(rows))
	}
	capacity, persisted, remote := 8, false, true
	want := aimx.RecordInfo{
		ID: 0, Key: "attic.co2", Name: "attic.co2", TypeID: "gateway_test.reading", SchemaType: "co2", Entity: "co2",
		Origin: aimx.Origin{Kind: "passive"}, BufferType: "spmc_ring", BufferCapacity: &capacity,
		Consumers: 1, Produced: 1, Occupancy: []int{1, 8}, Persisted: &persisted, Remote: &remote,
	}
	if !reflect.DeepEqual(rows[0], want) {
		t.Errorf("got  %+v\nwant %+v", rows[0], want)
	}
	for params, want := range map[string]int{`{"pattern":"attic.*"}`: 3, `{"pattern":"accuracy::vienna"}`: 1, `{"pattern":"none"}`: 0, `{"pattern":null}`: 7, `null`: 7, `[]`: 7} {
		raw, err := dial(t, h.socket).Call(soon(t), "record.list", json.RawMessage(params))
		var listed []aimx.RecordInfo
		if err != nil || json.Unmarshal(raw, &listed) != nil || len(listed) != want {
			t.Errorf("%s lists %s, %v", params, raw, err)
		}
	}
	if _, err := dial(t, h.socket).Call(soon(t), "record.list", json.RawMessage(`{"pattern":7}`)); !refusedWith(err, aimx.CodeInternal) {
		t.Errorf("a pattern that is a number: %v", err)
	}
	last := rows[6]
	if last.Origin.Kind != "transform" || last.Origin.Inputs[0] != "attic.co2" || last.Writable || last.Producers != 1 || len(last.Stages) != 1 {
		t.Errorf("the derived record is %+v", last)
	}
	if last.SchemaType != "" {
		t.Errorf("a record without a schema has %q", last.SchemaType)
	}
	if !rows[2].Writable || rows[2].BufferCapacity != nil || rows[5].Writable {
		t.Errorf("writable or capacity is wrong in %+v", rows)
	}
}

func TestWatchOfNothing(t *testing.T) {
	h := open(t)
	if _, err := dial(t, h.socket).Watch(soon(t), "nothing"); !refusedWith(err, aimx.CodeNotFound) {
		t.Errorf("got %v", err)
	}
	if _, err := dial(t, h.socket).Watch(soon(t), `"`); err == nil {
		t.Error("a topic that cannot be carried was sent")
	}
}

// All waiting calls fail when the server goes away, and name its endpoint.
func TestConnectionLost(t *testing.T) {
	h := open(t)
	h.history.hold, h.history.begun = make(chan struct{}), make(chan struct{}, 2)
	for _, endpoint := range []string{h.socket, h.webSocket()} {
		c := dial(t, endpoint)
		w, err := c.Watch(soon(t), "attic.co2")
		if err != nil {
			t.Fatal(err)
		}
		asked := make(chan error, 1)
		go func() {
			_, err := c.Query(soon(t), "#", 1, history.Window{})
			asked <- err
		}()
		<-h.history.begun
		defer func() {
			_, watched := w.Next(soon(t))
			for _, err := range []error{<-asked, watched, c.Ping(soon(t))} {
				var lost *aimx.ConnectionError
				if !errors.As(err, &lost) || lost.Endpoint != c.Endpoint().String() {
					t.Errorf("got %v", err)
				}
			}
			<-c.Done()
		}()
	}
	if err := h.server.Close(); err != nil {
		t.Fatal(err)
	}
}

// A long query delays neither pings nor events of its connection, and a half-closed
// connection still gets its answer.
func TestLongQuery(t *testing.T) {
	h := open(t)
	h.history.hold, h.history.begun = make(chan struct{}), make(chan struct{}, 1)
	p := h.linePeer(t)
	p.send(t, `{"t":"req","id":1,"method":"record.query"}`)
	<-h.history.begun
	p.send(t, `{"t":"sub","id":2,"topic":"attic.co2"}`)
	barrier(t, p)
	h.co2.Produce(reading{PPM: 1})
	expect(t, p, `{"t":"event","seq":1,"sub":"2","data":{"ppm":1}}`)
	p.send(t, `{"t":"req","id":3,"method":"record.get","params":{"name":"attic.co2"}}`)
	if err := p.conn.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	expect(t, p, `{"t":"reply","id":3,"ok":{"ppm":1}}`)
	close(h.history.hold)
	expect(t, p, `{"t":"reply","id":1,"ok":{"records":[],"total":0}}`)
	if rest, err := p.in.ReadString('\n'); err == nil {
		t.Errorf("the server goes on: %q", rest)
	}
}

func TestQueryGuards(t *testing.T) {
	h := open(t, func(c *gateway.Config) { c.Limits.QueryRows = 1; c.Limits.QueryTimeout = 50e6 })
	h.history.rows = []history.Row{{Record: "a", Value: []byte("1")}, {Record: "b", Value: []byte("2")}}
	c := dial(t, h.socket)
	if _, err := c.Query(soon(t), "#", 1, history.Window{}); !refusedWith(err, aimx.CodeInternal) || !strings.Contains(err.Error(), "limit") {
		t.Errorf("got %v", err)
	}
	h.history.hold, h.history.begun = make(chan struct{}), make(chan struct{}, 1)
	if _, err := c.Query(soon(t), "#", 1, history.Window{}); !refusedWith(err, aimx.CodeInternal) || !strings.Contains(err.Error(), "longer") {
		t.Errorf("got %v", err)
	}
}

func TestNoHistory(t *testing.T) {
	h := open(t, func(c *gateway.Config) { c.History = nil })
	for endpoint, code := range map[string]aimx.Code{h.socket: aimx.CodeInternal, h.webSocket(): aimx.CodeNotFound} {
		if _, err := dial(t, endpoint).Query(soon(t), "#", 1, history.Window{}); !refusedWith(err, code) {
			t.Errorf("got %v, want %s", err, code)
		}
	}
}

func TestContextEndsACall(t *testing.T) {
	h := open(t)
	h.history.hold, h.history.begun = make(chan struct{}), make(chan struct{}, 1)
	c := dial(t, h.socket)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-h.history.begun; cancel() }()
	if _, err := c.Query(ctx, "#", 1, history.Window{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := c.Ping(soon(t)); err != nil {
		t.Errorf("the client is of no use any more: %v", err)
	}
}

// Updates that a watch drops because its queue is full show as a gap too.
func TestUnreadWatch(t *testing.T) {
	h, ctx := open(t), soon(t)
	c := dial(t, h.socket)
	w, err := c.Watch(ctx, "attic.co2")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	const produced = 10_000
	for n := range produced {
		h.co2.Produce(reading{PPM: n + 1})
		if n%4 == 3 { // the ring keeps 8
			if err := c.Ping(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	last := fmt.Sprintf(`{"ppm":%d}`, produced+1)
	read, skipped := uint64(0), uint64(0)
	for {
		u, err := w.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		read++
		skipped += u.Skipped
		if read == 1 { // there is room again
			h.co2.Produce(reading{PPM: produced + 1})
		}
		if string(u.Data) == last {
			break
		}
	}
	if read+skipped != produced+1 || skipped == 0 {
		t.Errorf("read %d and skipped %d of %d", read, skipped, produced+1)
	}
}
