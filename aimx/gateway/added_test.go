package gateway_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/ingest"
	"github.com/aimdb-go/aimdb/records"
)

// TestRecordsThatComeLater: a subscription to a pattern gets the first value of a record
// that is added after it, if the client may read it.
func TestRecordsThatComeLater(t *testing.T) {
	h := open(t, func(c *gateway.Config) {
		c.Access = listOf(t, gateway.Token{Token: allToken, Read: []string{"loft.*.*"}})
	})
	for _, transport := range []string{"tcp", "websocket"} {
		p := h.peer(t, transport)
		greet(t, p, allToken)
		p.send(t, `{"t":"sub","id":1,"topic":"loft.`+transport+`.*"}`)
		barrierFor(t, p)
		for name, remote := range map[string]bool{"loft." + transport + ".a": true, "loft." + transport + ".secret": false, "yard." + transport + ".a": true} {
			added, err := h.registry.Add(name, records.Config{Kind: records.Ring, Capacity: 4, Remote: remote})
			if err != nil {
				t.Fatal(err)
			}
			if err := added.Set([]byte(`1`)); err != nil {
				t.Fatal(err)
			}
		}
		expect(t, p, `{"t":"event","seq":1,"topic":"loft.`+transport+`.a","sub":"1","data":1}`)
		p.send(t, `{"t":"unsub","sub":"1"}`)
		barrier(t, p)
		if _, err := h.registry.Add("loft."+transport+".late", records.Config{Kind: records.Latest, Remote: true}); err != nil {
			t.Fatal(err)
		}
		barrier(t, p)
	}
}

// TestHelloWithManyRecords: a client that takes no longer frames is let in, and learns of
// as many writable records as fit.
func TestHelloWithManyRecords(t *testing.T) {
	h := open(t)
	for i := range 5000 {
		if _, err := h.registry.Add(fmt.Sprintf("site.%04d.%s", i, strings.Repeat("x", 50)), records.Config{Kind: records.Latest, Writable: true}); err != nil {
			t.Fatal(err)
		}
	}
	for transport, p := range h.peers(t) {
		p.send(t, `{"t":"req","id":1,"method":"hello","params":{"version":"3.0"}}`)
		answer := p.next(t)
		n := strings.Count(answer, "site.")
		if !strings.Contains(answer, `"permissions":["read","write"]`) || (transport == "tcp") != (n < 5000) || n < 500 {
			t.Errorf("%s: hello names %d records: %.200s", transport, n, answer)
		}
	}
}

// TestHelloWithoutRecords: a client may write where records are made for its keys.
func TestHelloWithoutRecords(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	t.Cleanup(r.Close)
	writer := ingest.New(ingest.Config{Registry: r, Create: func(key string, _ json.RawMessage, make bool) (*records.Untyped, error) {
		return r.Add(key, records.Config{Kind: records.Latest, Writable: true})
	}})
	h := &fixture{registry: r}
	h.serve(t, gateway.Config{Registry: r, Ingest: writer, Access: listOf(t,
		gateway.Token{Token: allToken, Read: []string{"#"}, Write: []string{"a.#"}}, gateway.Token{Token: atticToken, Read: []string{"#"}})})
	for token, want := range map[string]string{allToken: `"permissions":["read","write"]`, atticToken: `"permissions":["read"]`} {
		p := h.lengthPeer(t)
		p.send(t, `{"t":"req","id":1,"method":"hello","params":{"version":"3.0","auth_token":"`+token+`"}}`)
		if answer := p.next(t); !strings.Contains(answer, want) {
			t.Errorf("hello: %s, want %s", answer, want)
		}
	}
}
