package gateway_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/records"
)

func TestMethodsByteByByte(t *testing.T) {
	h := open(t)
	h.door.Produce(reading{PPM: 1})
	h.co2.Produce(reading{PPM: 612})
	for name, p := range h.peers(t) {
		t.Run(name, func(t *testing.T) {
			subscriptions := map[string]string{"unix": "32", "tcp": "32", "websocket": "1024"}[name]
			for _, c := range []struct{ frame, want string }{
				{
					`{"t":"req","id":1,"method":"hello","params":{"client":"probe","version":"3.0"}}`,
					`{"t":"reply","id":1,"ok":{"version":"3.0","server":"house","permissions":["read","write"],"writable_records":["hub.settings","hub.bell","accuracy::vienna"],"max_subscriptions":` + subscriptions + `,"authenticated":false}}`,
				},
				{`{"t":"req","id":2,"method":"hello","params":{"version":"3x"}}`, `{"t":"reply","id":2,"err":"version_mismatch"}`},
				{`{"t":"req","id":2,"method":"hello","params":{"version":3.0}}`, `{"t":"reply","id":2,"err":"version_mismatch"}`},
				{`{"t":"req","id":2,"method":"hello"}`, `{"t":"reply","id":2,"err":"version_mismatch"}`},
				{`{"t":"req","id":3,"method":"record.get","params":{"name":"attic.co2"}}`, `{"t":"reply","id":3,"ok":{"ppm":612}}`},
				{`{"t":"req","id":3,"method":"record.get","params":{"name":"attic::co2"}}`, `{"t":"reply","id":3,"ok":{"ppm":612}}`},
				{`{"id":18446744073709551615,"params":{"name":"attic.door"},"x":[1,{"t":"}"}],"method":"record.get","t":"req"}`, `{"t":"reply","id":18446744073709551615,"ok":{"ppm":1}}`},
				{`{"t":"req","id":0,"method":"record\u002eget","params":{"name":"attic\u002eco2"}}`, `{"t":"reply","id":0,"ok":{"ppm":612}}`},
				{`{"t":"req","id":4,"method":"record.get","params":{"name":"attic.*"}}`, `{"t":"reply","id":4,"err":"not_found"}`},
				{`{"t":"req","id":4,"method":"record.get","params":{"name":"nothing"}}`, `{"t":"reply","id":4,"err":"not_found"}`},
				{`{"t":"req","id":4,"method":"record.get","params":{"name":7}}`, `{"t":"reply","id":4,"err":"not_found"}`},
				{`{"t":"req","id":4,"method":"record.get","params":[1]}`, `{"t":"reply","id":4,"err":"not_found"}`},
				{`{"t":"req","id":4,"method":"record.get"}`, `{"t":"reply","id":4,"err":"not_found"}`},
				{`{"t":"req","id":4,"method":"record.get","params":{"name":"accuracy::vienna"}}`, `{"t":"reply","id":4,"err":"not_found"}`},
				{`{"t":"req","id":5,"method":"record.get","params":{"name":"cellar.safe"}}`, `{"t":"reply","id":5,"err":"internal"}`},
				{`{"t":"req","id":6,"method":"record.subscribe"}`, `{"t":"reply","id":6,"err":"not_found"}`},
				{`{"t":"req","id":6,"method":"say \"hi\""}`, `{"t":"reply","id":6,"err":"not_found"}`},
				{`{"t":"ping"}`, `{"t":"pong"}`},
				{`{"t":"req","id":7,"method":"graph.topo_order"}`, `{"t":"reply","id":7,"ok":["attic.co2","attic.door","hub.settings","hub.bell","accuracy::vienna","cellar.safe","attic.air"]}`},
				{`{"t":"req","id":8,"method":"graph.edges"}`, `{"t":"reply","id":8,"ok":[{"from":"accuracy::vienna","to":null,"edge_type":{"tap":{"index":0}}},{"from":"attic.co2","to":"attic.air","edge_type":"transform"}]}`},
			} {
				exchange(t, p, c.frame, c.want)
			}
		})
	}
}

func TestNodesOfTheGraph(t *testing.T) {
	p := open(t).linePeer(t)
	p.send(t, `{"t":"req","id":1,"method":"graph.nodes"}`)
	got := p.next(t)
	for _, want := range []string{
		`{"key":"attic.co2","origin":"passive","buffer_type":"spmc_ring","buffer_capacity":8,"tap_count":0,"has_outbound_link":false}`,
		`{"key":"attic.air","origin":{"transform":{"input":"attic.co2"}},"buffer_type":"single_latest","buffer_capacity":null,"tap_count":0,"has_outbound_link":false}`,
		`{"key":"accuracy::vienna","origin":"passive","buffer_type":"spmc_ring","buffer_capacity":4,"tap_count":1,"has_outbound_link":false}`, // the history
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nhas no %s", got, want)
		}
	}
}

func TestSetting(t *testing.T) {
	h := open(t)
	p := h.linePeer(t)
	for _, c := range []struct{ frame, want string }{
		{`{"t":"req","id":1,"method":"record.set","params":{"name":"hub.settings","value":{"tolerance_celsius":2.5}}}`, `{"t":"reply","id":1,"ok":{"status":"success","value":{"tolerance_celsius":2.5}}}`},
		{`{"t":"req","id":2,"method":"record.get","params":{"name":"hub.settings"}}`, `{"t":"reply","id":2,"ok":{"tolerance_celsius":2.5}}`},
		{`{"t":"req","id":3,"method":"record.set","params":{"name":"accuracy::vienna","value":{"ppm":3}}}`, `{"t":"reply","id":3,"ok":{"status":"success"}}`},
		{`{"t":"req","id":4,"method":"record.set","params":{"name":"hub.settings","value":{"tolerance":1}}}`, `{"t":"reply","id":4,"err":"internal"}`},
		{`{"t":"req","id":4,"method":"record.set","params":{"name":"hub.settings","value":"warm"}}`, `{"t":"reply","id":4,"err":"internal"}`},
		{`{"t":"req","id":4,"method":"record.set","params":{"name":"hub.settings","value":{"Tolerance_Celsius":1}}}`, `{"t":"reply","id":4,"err":"internal"}`},
		{`{"t":"req","id":4,"method":"record.set","params":{"name":"hub.settings","value":{"tolerance_celsius":null}}}`, `{"t":"reply","id":4,"err":"internal"}`},
		{`{"t":"req","id":4,"method":"record.set","params":{"name":"hub.settings","value":{}}}`, `{"t":"reply","id":4,"err":"internal"}`},
		{`{"t":"req","id":4,"method":"record.set","params":{"name":"hub.settings","value":{"tolerance_celsius":2.5,"x":1}}}`, `{"t":"reply","id":4,"ok":{"status":"success","value":{"tolerance_celsius":2.5}}}`},
		{`{"t":"req","id":4,"method":"record.check","params":{"name":"hub.settings","value":{"tolerance_celsius":9}}}`, `{"t":"reply","id":4,"ok":{"status":"valid"}}`},
		{`{"t":"req","id":4,"method":"record.get","params":{"name":"hub.settings"}}`, `{"t":"reply","id":4,"ok":{"tolerance_celsius":2.5}}`},
		{`{"t":"req","id":4,"method":"record.set","params":{"name":"hub.settings"}}`, `{"t":"reply","id":4,"err":"internal"}`},
		{`{"t":"req","id":4,"method":"record.set","params":{"value":1}}`, `{"t":"reply","id":4,"err":"internal"}`},
		{`{"t":"req","id":5,"method":"record.set","params":{"name":"attic.door","value":{"ppm":1}}}`, `{"t":"reply","id":5,"err":"denied"}`},
		{`{"t":"req","id":5,"method":"record.set","params":{"name":"attic.air","value":{"ppm":1}}}`, `{"t":"reply","id":5,"err":"denied"}`},
		{`{"t":"req","id":5,"method":"record.set","params":{"name":"nothing","value":1}}`, `{"t":"reply","id":5,"err":"denied"}`},
	} {
		exchange(t, p, c.frame, c.want)
	}
	if v, ok := h.tuned.Latest(); !ok || v.Tolerance != 2.5 {
		t.Errorf("the record has %v", v)
	}
}

// A write has no answer, and the next frame sees its effect.
func TestWriteIsABarrier(t *testing.T) {
	h := open(t)
	unix, web := h.linePeer(t), h.webPeer(t)
	get := `{"t":"req","id":1,"method":"record.get","params":{"name":"hub.settings"}}`
	unix.send(t, `{"t":"write","topic":"hub.settings","payload":{"value":{"tolerance_celsius":1}}}`)
	exchange(t, unix, get, `{"t":"reply","id":1,"ok":{"tolerance_celsius":1.0}}`)
	unix.send(t, `{"t":"write","topic":"hub::settings","payload":{"tolerance_celsius":2}}`)
	exchange(t, unix, get, `{"t":"reply","id":1,"ok":{"tolerance_celsius":2.0}}`)
	web.send(t, `{"t":"write","topic":"hub.settings","payload":{"tolerance_celsius":3}}`)
	exchange(t, web, get, `{"t":"reply","id":1,"ok":{"tolerance_celsius":3.0}}`)
	for _, refused := range []string{
		`{"t":"write","topic":"hub.settings","payload":{"value":{"tolerance_celsius":4}}}`, // bare on a WebSocket
		`{"t":"write","topic":"hub.settings"}`,
		`{"t":"write","topic":"attic.door","payload":{"ppm":1}}`,
		`{"t":"write","topic":"nothing","payload":{"ppm":1}}`,
	} {
		web.send(t, refused)
	}
	exchange(t, web, `{"t":"ping"}`, `{"t":"pong"}`)
	exchange(t, web, get, `{"t":"reply","id":1,"ok":{"tolerance_celsius":3.0}}`)
	if _, ok := h.door.Latest(); ok {
		t.Error("a record that is not writable was written")
	}
}

// A malformed frame is skipped silently, and the connection stays open.
func TestMalformedFrames(t *testing.T) {
	h := open(t)
	malformed := []string{
		``, `   `, `{`, `nonsense`, `["ping"]`, `null`, `7`, `{}`, `{"t":"ping"} x`, `{"t":"pong?"}`, `{"t":7}`, `{"T":"ping"}`,
		`{"t":"ping","t":"ping"}`, `{"t":null}`, `{"t":"req","method":"record.list"}`, `{"t":"req","id":1}`,
		`{"t":"req","id":"1","method":"record.list"}`, `{"t":"req","id":-1,"method":"record.list"}`, `{"t":"req","id":1.0,"method":"record.list"}`,
		`{"t":"req","id":1e1,"method":"record.list"}`, `{"t":"req","id":18446744073709551616,"method":"record.list"}`,
		`{"t":"req","id":1,"id":1,"method":"record.list"}`, `{"t":"sub","topic":"#"}`, `{"t":"unsub","sub":5}`, `{"t":"unsub"}`,
		"{\"t\":\"req\",\"id\":1,\"method\":\"\xff\"}", `{"method":7,"id":1}`, `{"hello":"1.0"}`, `{"version":"3.0"}`,
	}
	for name, p := range h.peers(t) {
		t.Run(name, func(t *testing.T) {
			for _, frame := range malformed {
				p.send(t, frame)
			}
			exchange(t, p, ` {"t":"ping","sub":null} `+"\r", `{"t":"pong"}`)
		})
	}
}

func TestQuery(t *testing.T) {
	h := open(t)
	h.history.rows = []history.Row{
		{ID: 4, Record: "accuracy::rome", Time: 30, Value: []byte("{\"c\":\n 3}")},
		{ID: 5, Record: "accuracy::rome", Time: 20, Value: []byte(`broken`)},
		{ID: 2, Record: "accuracy::rome", Time: 10, Value: []byte(`{"c":1}`)},
		{ID: 3, Record: "accuracy::vienna", Time: 20, Value: []byte(`{"c":"a\u2028b<"}`)},
		{ID: 6, Record: `say "hi"`, Time: 40, Value: []byte(`1`)}, // of upstream, which takes any key
	}
	for name, p := range h.peers(t) {
		t.Run(name, func(t *testing.T) {
			exchange(t, p, `{"t":"req","id":6,"method":"record.query","params":{"name":"accuracy.*","limit":3,"start":1,"end":9223372036854775807}}`,
				`{"t":"reply","id":6,"ok":{"records":[{"topic":"accuracy::rome","payload":{"c":1},"ts":10},{"topic":"accuracy::vienna","payload":{"c":"a\u2028b<"},"ts":20},{"topic":"accuracy::rome","payload":{"c":3},"ts":30}],"total":3}}`)
			if q := h.history.asked; q.Limit != 3 || *q.Window.Start != 1 || *q.Window.End != 1<<63-1 {
				t.Errorf("asked for %+v", q)
			}
			for _, params := range []string{`null`, `{"name":7,"limit":-1,"start":null,"end":1.5}`, `[]`} {
				exchange(t, p, `{"t":"req","id":7,"method":"record.query","params":{"name":"nothing"}}`, `{"t":"reply","id":7,"ok":{"records":[],"total":0}}`)
				p.send(t, `{"t":"req","id":7,"method":"record.query","params":`+params+`}`)
				p.next(t)
				if q := h.history.asked; q.Limit != 1 || q.Window.Start != nil || q.Window.End != nil || q.Pattern.String() != "#" {
					t.Errorf("%s asked for %+v", params, q)
				}
			}
			exchange(t, p, `{"t":"req","id":8,"method":"record.query","params":{"name":"say \"hi\""}}`, `{"t":"reply","id":8,"ok":{"records":[{"topic":"say \"hi\"","payload":1,"ts":40}],"total":1}}`)
			exchange(t, p, `{"t":"req","id":8,"method":"record.query","params":{"limit":0}}`, `{"t":"reply","id":8,"ok":{"records":[],"total":0}}`)
			exchange(t, p, `{"t":"req","id":8,"method":"record.query","params":{"start":2,"end":1}}`, `{"t":"reply","id":8,"ok":{"records":[],"total":0}}`)
			exchange(t, p, `{"t":"req","id":8,"method":"record.query","params":{"limit":9223372036854775808}}`, `{"t":"reply","id":8,"err":"internal"}`)
		})
	}
	h.history.err = errors.New("disk gone")
	exchange(t, h.linePeer(t), `{"t":"req","id":9,"method":"record.query"}`, `{"t":"reply","id":9,"err":"internal"}`)
}

func TestDrain(t *testing.T) {
	h := open(t)
	p := h.linePeer(t)
	drain := func(params, want string) {
		t.Helper()
		exchange(t, p, `{"t":"req","id":1,"method":"record.drain","params":`+params+`}`, `{"t":"reply","id":1,`+want+`}`)
	}
	co2 := `{"name":"attic::co2"}`
	h.co2.Produce(reading{PPM: 1})
	drain(co2, `"ok":{"record_name":"attic::co2","values":[],"count":0}`)
	for n := range 20 {
		h.co2.Produce(reading{PPM: n})
	}
	drain(`{"name":"attic.co2","limit":0}`, `"ok":{"record_name":"attic.co2","values":[],"count":0}`)
	drain(`{"name":"attic.co2","limit":3}`, `"ok":{"record_name":"attic.co2","values":[{"ppm":12},{"ppm":13},{"ppm":14}],"count":3}`)
	drain(`{"name":"attic.co2","limit":-1}`, `"ok":{"record_name":"attic.co2","values":[{"ppm":15},{"ppm":16},{"ppm":17},{"ppm":18},{"ppm":19}],"count":5}`)
	h.door.Produce(reading{PPM: 7})
	drain(`{"name":"attic.door"}`, `"ok":{"record_name":"attic.door","values":[{"ppm":7}],"count":1}`)
	drain(`{"name":"attic.door"}`, `"ok":{"record_name":"attic.door","values":[],"count":0}`)
	drain(`{"name":"nothing"}`, `"err":"not_found"`)
	drain(`{"name":"cellar.safe"}`, `"err":"internal"`)
	drain(`{}`, `"err":"internal"`)
}

// A get takes what is unread in a ring, so that a drain returns what came after it.
func TestGetOpensTheCursorOfDrain(t *testing.T) {
	h := open(t)
	p := h.linePeer(t)
	get, drain := `{"t":"req","id":1,"method":"record.get","params":{"name":"attic.co2"}}`, `{"t":"req","id":2,"method":"record.drain","params":{"name":"attic.co2"}}`
	h.co2.Produce(reading{PPM: 1})
	exchange(t, p, get, `{"t":"reply","id":1,"ok":{"ppm":1}}`)
	for n := range 3 {
		h.co2.Produce(reading{PPM: n + 2})
	}
	exchange(t, p, drain, `{"t":"reply","id":2,"ok":{"record_name":"attic.co2","values":[{"ppm":2},{"ppm":3},{"ppm":4}],"count":3}}`)
	h.co2.Produce(reading{PPM: 5})
	exchange(t, p, get, `{"t":"reply","id":1,"ok":{"ppm":5}}`)
	exchange(t, p, drain, `{"t":"reply","id":2,"ok":{"record_name":"attic.co2","values":[],"count":0}}`)
	exchange(t, p, get, `{"t":"reply","id":1,"ok":{"ppm":5}}`) // a ring keeps its newest value
}

// The occupancy of a ring is what its slowest reader has not read. Cursors of drain do
// not count: nobody waits for them.
func TestOccupancy(t *testing.T) {
	h := open(t)
	p := h.linePeer(t)
	occupancy := func(want int) {
		t.Helper()
		rows, err := dial(t, h.socket).List(soon(t))
		if err != nil || rows[4].Key != "accuracy::vienna" || rows[4].Occupancy[0] != want || rows[4].Occupancy[1] != 4 {
			t.Errorf("occupancy %v, want %d of 4, %v", rows[4].Occupancy, want, err)
		}
	}
	exchange(t, p, `{"t":"req","id":1,"method":"record.drain","params":{"name":"accuracy::vienna"}}`, `{"t":"reply","id":1,"ok":{"record_name":"accuracy::vienna","values":[],"count":0}}`)
	h.logged.Produce(reading{PPM: 1})
	occupancy(0)
	slow, fast := h.logged.Subscribe("slow"), h.logged.Subscribe("fast")
	defer slow.Close()
	defer fast.Close()
	for n := range 3 {
		h.logged.Produce(reading{PPM: n})
		fast.TryReceive()
	}
	occupancy(3)
	slow.TryReceive()
	occupancy(2)
	for n := range 9 {
		h.logged.Produce(reading{PPM: n})
	}
	occupancy(4)
}

// A record that was refilled, or has an initial value, has been produced for clients:
// those of upstream leave out rows with a count of 0.
func TestProducedCountOfRestoredValues(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	first := reading{PPM: 1}
	register[reading](t, r, "initial", records.Config{Kind: records.Latest, Remote: true, Initial: first})
	ring := register[reading](t, r, "ring", records.Config{Kind: records.Ring, Capacity: 4, Remote: true, Logged: true})
	both := register[reading](t, r, "both", records.Config{Kind: records.Latest, Remote: true, Logged: true, Initial: first})
	register[reading](t, r, "never", records.Config{Kind: records.Latest, Remote: true})
	stored := []records.Stored{{Value: []byte(`{"ppm":3}`)}, {Value: []byte(`{"ppm":2}`)}}
	for _, h := range []*records.Untyped{ring.Untyped(), both.Untyped()} {
		if _, err := h.Refill(stored); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Build(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	ring.Produce(reading{PPM: 4})
	h := &fixture{registry: r}
	h.serve(t, gateway.Config{Registry: r})
	rows, err := dial(t, h.socket).List(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []uint64{1, 3, 1, 0} {
		if rows[i].Produced != want {
			t.Errorf("%s: produced_count %d, want %d", rows[i].Key, rows[i].Produced, want)
		}
	}
	if n := ring.Untyped().Produced(); n != 1 {
		t.Errorf("the log would begin with number %d", n)
	}
}

func TestResets(t *testing.T) {
	h := open(t)
	h.co2.Produce(reading{PPM: 1})
	p := h.linePeer(t)
	for _, method := range []string{"profiling.reset", "buffer_metrics.reset"} {
		exchange(t, p, `{"t":"req","id":1,"method":"`+method+`"}`, `{"t":"reply","id":1,"ok":{"reset":true}}`)
	}
	if m := h.co2.Untyped().Metrics(); m.Produced != 0 {
		t.Errorf("still %+v", m)
	}
}

func TestReadOnlyDatabase(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	register[reading](t, r, "attic.co2", records.Config{Kind: records.Latest, Remote: true})
	if err := r.Build(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	h := &fixture{registry: r}
	h.serve(t, gateway.Config{Registry: r})
	p := h.linePeer(t)
	exchange(t, p, `{"t":"req","id":1,"method":"hello","params":{"version":"3"}}`,
		`{"t":"reply","id":1,"ok":{"version":"3.0","server":"aimdb","permissions":["read"],"writable_records":[],"max_subscriptions":32,"authenticated":false}}`)
	exchange(t, p, `{"t":"req","id":2,"method":"profiling.reset"}`, `{"t":"reply","id":2,"err":"denied"}`)
}
