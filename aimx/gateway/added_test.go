package gateway_test

import (
	"testing"

	"github.com/aimdb-go/aimdb/aimx/gateway"
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
