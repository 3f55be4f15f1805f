package gateway_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/history"
)

func TestLegacyPatterns(t *testing.T) {
	for _, row := range []struct {
		pattern, covering string
		yes, no           string // records, separated by spaces
	}{
		{"*", "#", "a a.b a::b", ""},
		{"accuracy::*", "accuracy.#", "accuracy::vienna accuracy.vienna Accuracy.a.b", "accuracy temp.a"},
		{"accuracy.*", "accuracy.#", "accuracy::vienna", "accuracy"},
		{"te*", "#", "temp temp.vienna te TE", "at"},
		{"*vienna", "#", "temp::vienna vienna", "vienna.in"},
		{"a.*.c", "a.#", "a.b.c a::b::b.c a..c", "a.c"},
		{"a.b*c*d", "a.#", "a.bcd a.b.c.d a.bccd", "a.bdc a.bc"},
		{"a*a", "#", "aa aba", "a"},
		{"temp::x", "temp::x", "temp.x TEMP::X", "temp.xy"},
		{"a.#", "a.#", "a.#", "a.b a"},
		{"É*", "#", "É É.a", "é"},
	} {
		for record := range strings.FieldsSeq(row.yes) {
			if !gateway.LegacyMatch(row.pattern, record) {
				t.Errorf("%q does not match %q", row.pattern, record)
			}
		}
		for record := range strings.FieldsSeq(row.no) {
			if gateway.LegacyMatch(row.pattern, record) {
				t.Errorf("%q matches %q", row.pattern, record)
			}
		}
		if got := gateway.LegacyCovering(row.pattern); got != row.covering {
			t.Errorf("%q needs a grant for %q, want %q", row.pattern, got, row.covering)
		}
	}
}

// TestLegacyGrants: the frames of the earlier protocol reach no more than others do.
func TestLegacyGrants(t *testing.T) {
	h := openTokens(t)
	h.history.rows = append(h.history.rows, history.Row{ID: 99, Record: "attic.x.secret", Time: 1, Value: []byte(`9`)})
	const denied = `"code":"permission_denied"`
	for _, transport := range []string{"tcp", "websocket"} {
		p := h.peers(t)[transport]
		for _, frame := range []string{`{"method":"record.list"}`, `{"method":"record.query"}`, `{"method":"record.subscribe","params":{"name":"attic.door"}}`} {
			p.send(t, frame)
			if got := p.next(t); !strings.Contains(got, denied) {
				t.Errorf("without a token over %s: %s\n%s", transport, frame, got)
			}
		}
		p.send(t, `{"hello":{"version":"1.0","client":"probe","auth_token":"`+atticToken+`"}}`)
		if got := p.next(t); !strings.Contains(got, `"authenticated":true`) {
			t.Fatalf("hello over %s: %s", transport, got)
		}
		for _, c := range []struct{ method, params, want, never string }{
			{"record.query", `{}`, denied, "values"},
			{"record.query", `{"name":"*"}`, denied, "values"},
			{"record.query", `{"name":"attic.*"}`, denied, "values"}, // '*' reaches deeper than the grant
			{"record.query", `{"name":"ATTIC*"}`, denied, "values"},
			{"record.query", `{"name":"attic::door"}`, `"count":1`, denied},
			{"record.query", `{"name":"attic.x.secret"}`, denied, "values"},
			{"record.query", `{"name":"HUB.SETTINGS"}`, denied, "values"},
			{"record.get", `{"record":"attic.door"}`, `{"ppm":2}`, denied},
			{"record.get", `{"record":"hub.settings"}`, denied, "3.0"},
			{"record.set", `{"name":"hub.settings","value":{"tolerance_celsius":9}}`, denied, "success"},
			{"record.drain", `{"name":"accuracy::vienna"}`, denied, "count"},
			{"record.list", `null`, `"attic.air"`, "hub.settings"},
			{"record.subscribe", `{"name":"hub.settings"}`, denied, "sub-"},
			{"history.page", `{}`, denied, "rows"},
		} {
			frame := `{"id":5,"method":"` + c.method + `","params":` + c.params + `}`
			p.send(t, frame)
			if got := p.next(t); !strings.Contains(got, c.want) || strings.Contains(got, c.never) {
				t.Errorf("%s over %s\n%s\nwant %s, without %s", frame, transport, got, c.want, c.never)
			}
		}
	}
	everything := h.lengthPeer(t)
	greet(t, everything, allToken)
	everything.send(t, `{"id":6,"method":"record.query","params":{"name":"*","limit":9}}`)
	if got := everything.next(t); !strings.Contains(got, "attic.x.secret") || strings.Contains(got, "cellar.safe") {
		t.Errorf("the token for everything gets %s", got)
	}
}

// TestLegacyHelloThatFails: the connection ends after a hello that is refused.
func TestLegacyHelloThatFails(t *testing.T) {
	h := openTokens(t)
	for hello, code := range map[string]string{
		`{"hello":{"version":"2.0","client":"probe","auth_token":"` + allToken + `"}}`: "version_mismatch",
		`{"hello":{"version":"1.0","client":"probe"}}`:                                 "permission_denied",
		`{"version":"1.0","client":"probe","auth_token":"wrong"}`:                      "permission_denied",
		`{"id":0,"method":"hello","params":{"version":"3.0"}}`:                         "version_mismatch",
	} {
		p := h.lengthPeer(t)
		exchange(t, p, hello, `{"id":0,"error":{"code":"`+code+`"}}`)
		if frame, err := p.read(); err == nil {
			t.Errorf("%s: the connection goes on with %s", hello, frame)
		}
	}
}

// TestLegacyWithoutHistory: there is a code of its own for it.
func TestLegacyWithoutHistory(t *testing.T) {
	h := open(t, func(c *gateway.Config) { c.History = nil })
	for _, p := range h.peers(t) {
		exchange(t, p, `{"id":1,"method":"record.query"}`, `{"id":1,"error":{"code":"not_configured"}}`)
	}
	failing := open(t)
	failing.history.err = errors.New("the disk is gone")
	exchange(t, failing.linePeer(t), `{"id":1,"method":"record.query"}`, `{"id":1,"error":{"code":"query_error"}}`)
}

// TestLegacyPrivateRows: rows of a private record are left out, whatever the pattern's case.
func TestLegacyPrivateRows(t *testing.T) {
	h := open(t)
	h.history.rows = []history.Row{
		{ID: 1, Record: "cellar.safe", Time: 1, Value: []byte(`1`)}, {ID: 2, Record: "cellar::safe", Time: 2, Value: []byte(`2`)},
		{ID: 3, Record: "cellar.wine", Time: 3, Value: []byte(`3`)},
	}
	p := h.linePeer(t)
	const wine = `{"id":1,"result":{"values":[{"record":"cellar.wine","value":3,"stored_at":3}],"count":1}}`
	exchange(t, p, `{"id":1,"method":"record.query","params":{"name":"*","limit":5}}`, wine)
	exchange(t, p, `{"id":1,"method":"record.query","params":{"name":"CELLAR*"}}`, wine)
	exchange(t, p, `{"id":1,"method":"record.query","params":{"name":"CELLAR.SAFE"}}`, `{"id":1,"result":{"values":[],"count":0}}`)
	exchange(t, p, `{"id":1,"method":"record.query","params":{"name":"cellar::safe"}}`, `{"id":1,"error":{"code":"query_error"}}`)
}

// TestLegacyGaps: what a subscription missed is counted.
func TestLegacyGaps(t *testing.T) {
	h := open(t)
	p := h.linePeer(t)
	exchange(t, p, `{"id":1,"method":"record.subscribe","params":{"name":"attic.co2","send_initial":false}}`, `{"id":1,"result":{"subscription_id":"sub-1","queue_size":8}}`)
	const produced = 20_000
	for n := range produced {
		h.co2.Produce(reading{PPM: n + 1})
	}
	dropped := false
	for last := 0; last < produced; {
		var f struct {
			Event struct {
				Sequence, Dropped int
				Data              reading
			}
		}
		if err := json.Unmarshal([]byte(p.next(t)), &f); err != nil {
			t.Fatal(err)
		}
		if e := f.Event; e.Sequence != e.Data.PPM || e.Sequence != last+e.Dropped+1 {
			t.Fatalf("after %d came %+v", last, e)
		}
		dropped = dropped || f.Event.Dropped > 0
		last = f.Event.Sequence
	}
	if !dropped {
		t.Error("nothing was dropped, though nobody read until all was produced")
	}
}
