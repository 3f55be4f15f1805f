package gateway_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/history"
)

// The tokens of the tests: all, the attic only, and setting the hub only.
const allToken, atticToken, hubToken = "token-of-all", "token-of-the-attic", "token-of-the-hub"

// listOf returns a list of tokens.
func listOf(t testing.TB, tokens ...gateway.Token) *access.List {
	t.Helper()
	list, err := access.NewList(tokens, nil)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func openTokens(t testing.TB, change ...func(*gateway.Config)) *fixture {
	t.Helper()
	hash := sha256.Sum256([]byte(hubToken))
	tokens := []gateway.Token{
		{Token: allToken, Read: []string{"#"}, Write: []string{"#"}},
		{Token: atticToken, Read: []string{"attic.*", "hub.bell"}, Write: []string{"attic.#"}},
		{Hash: hex.EncodeToString(hash[:]), Write: []string{"hub.settings"}},
	}
	list := listOf(t, tokens...)
	h := open(t, append(change, func(c *gateway.Config) {
		attended(c)
		c.Access, c.Migrate = list, migrated
		c.Verify = func(context.Context) (aimx.Verification, error) {
			return aimx.Verification{Records: []aimx.VerifiedRecord{{Record: "attic.co2"}, {Record: "accuracy::vienna"}}}, nil
		}
	})...)
	for i, name := range []string{"attic.co2", "attic::door", "accuracy::vienna", "old.co2", "attic.old::a"} {
		h.history.rows = append(h.history.rows, history.Row{ID: int64(i + 1), Record: name, Time: int64(i), Value: []byte("1")})
		h.history.buckets = append(h.history.buckets, history.Bucket{Record: name, Count: 1})
		h.history.records = append(h.history.records, history.RecordStats{Record: name, Rows: 1})
	}
	h.co2.Produce(reading{PPM: 1})
	h.door.Produce(reading{PPM: 2})
	h.tuned.Produce(settings{3})
	h.logged.Produce(reading{PPM: 4})
	return h
}

// greet presents a token in hello.
func greet(t *testing.T, p peer, token string) string {
	t.Helper()
	p.send(t, `{"t":"req","id":1,"method":"hello","params":{"version":"3.0","auth_token":"`+token+`"}}`)
	return p.next(t)
}

// TestGrants: each method answers with what is granted only.
func TestGrants(t *testing.T) {
	h := openTokens(t)
	const denied = `"err":"denied"`
	table := []struct {
		method, params  string
		all, attic, hub string // parts of the answers by token
		never           string // not part of the answers for attic
	}{
		{"hello", `{"version":"3.0"}`, `"writable_records":["hub.settings","hub.bell","accuracy::vienna"],"max_`, `"permissions":["read"],"writable_records":[],`, `["hub.settings"]`, "hub"},
		{"record.list", `null`, `"cellar.safe"`, `"attic.air"`, `"ok":[]`, "hub.settings"},
		{"record.list", `{"pattern":"#"}`, `"cellar.safe"`, `"hub.bell"`, `"ok":[]`, "vienna"},
		{"record.get", `{"name":"attic.door"}`, `{"ppm":2}`, `{"ppm":2}`, denied, "denied"},
		{"record.get", `{"name":"attic::door"}`, `{"ppm":2}`, `{"ppm":2}`, denied, "denied"},
		{"record.get", `{"name":"hub.settings"}`, `3.0`, denied, denied, "3.0"},
		{"record.get", `{"name":"nothing"}`, `not_found`, denied, denied, "not_found"},
		{"record.get", `{"name":"attic.nothing"}`, `not_found`, `not_found`, denied, "denied"},
		{"record.get", `{"name":"cellar.safe"}`, `internal`, denied, denied, "internal"},
		{"record.drain", `{"name":"attic.co2"}`, `"count":0`, `"count":0`, denied, "denied"},
		{"record.drain", `{"name":"accuracy::vienna"}`, `"count":0`, denied, denied, "count"},
		{"record.set", `{"name":"attic.door","value":{"ppm":9}}`, denied, denied, denied, "success"}, // not writable for anybody
		{"record.set", `{"name":"hub.settings","value":{"tolerance_celsius":3}}`, `"value":{"tolerance_celsius":3.0}`, denied, `"ok":{"status":"success"}`, "success"},
		{"record.check", `{"name":"attic.door","value":{"ppm":9}}`, denied, denied, denied, "valid"},
		{"record.check", `{"name":"nothing","value":1}`, denied, denied, denied, "not_found"},
		{"record.check", `{"name":"hub.settings","value":{"tolerance_celsius":3}}`, `"ok":{"status":"valid"}`, denied, `"ok":{"status":"valid"}`, "valid"},
		{"record.check", `{"name":"hub.settings","value":{"tolerance_celsius":"3"}}`, `the member tolerance_celsius cannot be a string`, denied, `cannot be a string`, "member"},
		{"record.check", `{"name":"hub.settings"}`, `"err":"internal"`, `"err":"internal"`, `"err":"internal"`, "valid"},
		{"record.query", `{"name":"attic.*","limit":9}`, `"total":3`, `"total":2`, denied, "old::a"},
		{"record.query", `{"name":"attic::door"}`, `"total":1`, `"total":1`, denied, "denied"},
		{"record.query", `{"limit":9}`, `"total":5`, denied, denied, "total"},
		{"record.query", `{"name":"*.co2"}`, `"total":2`, denied, denied, "total"},
		{"record.query", `{"name":"attic.#"}`, `"total":3`, denied, denied, "total"},
		{"record.query", `{"name":"attic.*","cursor":""}`, `"total":3`, `"total":2`, denied, "old::a"},
		{"record.query", `{"name":"attic.*","bucket":{"width":1000}}`, `"total":3`, `"total":2`, denied, "old::a"},
		{"history.page", `{"pattern":"attic.*"}`, `old::a`, `attic::door`, denied, "old::a"},
		{"history.page", `{}`, `vienna`, denied, denied, "rows"},
		{"history.buckets", `{"width":1000,"pattern":"attic.*"}`, `old::a`, `attic::door`, denied, "old::a"},
		{"history.buckets", `{"width":1000}`, `vienna`, denied, denied, "buckets"},
		{"history.stats", `null`, `"private_records":0`, `"private_records":3`, `"private_records":5`, "vienna"},
		{"history.verify", `null`, `vienna`, `attic.co2`, `"private":{"records":2`, "vienna"},
		{"history.migrate", `null`, `"rewritten":3`, denied, denied, "rewritten"},
		{"history.migrate", `{"progress":true}`, `"running":false`, denied, denied, "running"},
		{"sink.list", `null`, `"ok":[]`, `"ok":[]`, `"ok":[]`, "denied"},
		{"stats", `null`, `"state":"ok"`, `"state":"ok"`, `"state":"ok"`, "denied"},
		{"loss.list", `null`, `"hidden":0`, `"hidden":1`, `"hidden":3`, "vienna"},
		{"deadletter.list", `null`, `"hidden":1`, `"hidden":2`, `"hidden":4`, "vienna"},
		{"deadletter.retry", `{"sink":"sqlite","ids":[2]}`, `"reason":"it is even"`, denied, denied, "stored"},
		{"history.usage", `null`, `"others":{"records":0,"rows":0,"bytes":0}`, `"others":{"records":1,"rows":2,"bytes":30}`, `"others":{"records":3,`, "accuracy"},
		{"retention.list", `null`, `accuracy.*`, denied, denied, "accuracy"},
		{"retention.try", `null`, `"rows":7`, denied, denied, "rows"},
		{"ingest.refused", `null`, `"last":[`, `"record":"attic.door"`, `"last":[]`, "cellar"},
		{"graph.nodes", `null`, `"cellar.safe"`, `"attic.air"`, `"ok":[]`, "vienna"},
		{"graph.edges", `null`, `"tap"`, `[{"from":"attic.co2","to":"attic.air","edge_type":"transform"}]`, `"ok":[]`, "vienna"},
		{"graph.topo_order", `null`, `"cellar.safe"`, `["attic.co2","attic.door","hub.bell","attic.air"]`, `"ok":[]`, "vienna"},
		{"profiling.reset", `null`, `"reset":true`, denied, `"reset":true`, "true"},
		{"buffer_metrics.reset", `null`, `"reset":true`, denied, `"reset":true`, "true"},
	}
	tested := map[string]bool{}
	for transport := range h.peers(t) {
		if transport == "unix" {
			continue
		}
		for token, part := range map[string]func(int) string{
			allToken:   func(i int) string { return table[i].all },
			atticToken: func(i int) string { return table[i].attic },
			hubToken:   func(i int) string { return table[i].hub },
		} {
			p := h.peers(t)[transport]
			for i, c := range table {
				tested[c.method] = true
				request := fmt.Sprintf(`{"t":"req","id":5,"method":%q,"params":%s}`, c.method, c.params)
				if i == 0 {
					exchange(t, p, strings.Replace(request, "hello", "record.list", 1), `{"t":"reply","id":5,"err":"denied"}`)
					if got := greet(t, p, token); !strings.Contains(got, `"authenticated":true`) {
						t.Fatalf("%s: %s", token, got)
					}
				}
				p.send(t, request)
				got := p.next(t)
				if !strings.Contains(got, part(i)) || token == atticToken && strings.Contains(got, c.never) && !strings.Contains(got, denied) {
					t.Errorf("%s, %s %s %s:\n%s\nwant %s", transport, token, c.method, c.params, got, part(i))
				}
			}
		}
	}
	for name := range gateway.Methods() {
		if !tested[name] {
			t.Errorf("%s is not tested", name)
		}
	}
}

// TestGrantedSubscriptions: a topic must lie in what is granted, and each record of it.
func TestGrantedSubscriptions(t *testing.T) {
	h := openTokens(t)
	for _, transport := range []string{"tcp", "websocket"} {
		p := h.peers(t)[transport]
		exchange(t, p, `{"t":"sub","id":1,"topic":"attic.door"}`, `{"t":"reply","id":1,"err":"denied"}`)
		greet(t, p, atticToken)
		for _, topic := range []string{"#", "*", "attic.#", "accuracy::*", "hub.*", "hub.settings", "accuracy::vienna", "nothing", "*.door"} {
			exchange(t, p, `{"t":"sub","id":2,"topic":"`+topic+`"}`, `{"t":"reply","id":2,"err":"denied"}`)
		}
		for _, topic := range []string{"attic.*", "attic.door", "attic::door"} {
			p.send(t, `{"t":"sub","id":3,"topic":"`+topic+`"}`)
			p.send(t, `{"t":"ping"}`)
			var got []string
			for frame := ""; frame != `{"t":"pong"}`; frame = p.next(t) {
				got = append(got, frame)
			}
			h.door.Produce(reading{PPM: 7})
			for !strings.Contains(strings.Join(got, ""), `{"ppm":7}`) {
				got = append(got, p.next(t))
			}
			if strings.Contains(strings.Join(got, ""), "err") {
				t.Errorf("%s over %s: %q", topic, transport, got)
			}
			p.send(t, `{"t":"unsub","sub":"3"}`)
			h.door.Produce(reading{PPM: 2})
			barrierFor(t, p)
		}
	}
}

// TestWritesBeforeAToken: a write that is not granted changes nothing.
func TestWritesBeforeAToken(t *testing.T) {
	h := openTokens(t)
	p := h.lengthPeer(t)
	write := `{"t":"write","topic":"hub.settings","payload":{"value":{"tolerance_celsius":9}}}`
	p.send(t, write)
	greet(t, p, atticToken)
	p.send(t, write)
	barrier(t, p)
	if v, _ := h.tuned.Latest(); v.Tolerance != 3 {
		t.Errorf("it was set to %v", v)
	}
	p = h.lengthPeer(t)
	greet(t, p, hubToken)
	p.send(t, write)
	barrier(t, p)
	if v, _ := h.tuned.Latest(); v.Tolerance != 9 {
		t.Errorf("it was not set: %v", v)
	}
}

// TestGrantsHideNames: what is about a granted record names no other one, and a reset
// reaches no other one.
func TestGrantsHideNames(t *testing.T) {
	h := open(t, func(c *gateway.Config) {
		c.Access = listOf(t, gateway.Token{Token: atticToken, Read: []string{"attic.air"}, Write: []string{"hub.settings"}})
		c.Verify = func(context.Context) (aimx.Verification, error) {
			return aimx.Verification{Unknown: []aimx.Finding{{Text: "a checksum of attic.co2 is wrong"}}}, nil
		}
	})
	h.co2.Produce(reading{PPM: 1})
	h.tuned.Produce(settings{1})
	p := h.lengthPeer(t)
	greet(t, p, atticToken)
	for method, want := range map[string]string{
		"record.list": `"origin":"source"`, "graph.nodes": `"origin":"source"`, "graph.edges": `"ok":[]`, "history.verify": `"unknown":1`, "buffer_metrics.reset": `true`,
	} {
		p.send(t, `{"t":"req","id":5,"method":"`+method+`"}`)
		if got := p.next(t); !strings.Contains(got, want) || strings.Contains(got, "co2") {
			t.Errorf("%s: %s", method, got)
		}
	}
	if co2, tuned := h.co2.Untyped().Metrics(), h.tuned.Untyped().Metrics(); co2.Produced != 1 || tuned.Produced != 0 {
		t.Errorf("after the reset: %d, %d", co2.Produced, tuned.Produced)
	}
}
