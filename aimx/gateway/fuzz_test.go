package gateway_test

import (
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
)

// FuzzServer sends any input to a server, which must still answer, unless it has said why it
// does not.
func FuzzServer(f *testing.F) {
	h := open(f)
	h.history.rows = []history.Row{{ID: 1, Record: "accuracy::vienna", Time: 7, Value: []byte(`1`)}}
	h.history.buckets = []history.Bucket{{Record: "accuracy::vienna", Count: 1}}
	for _, seed := range []string{
		`{"t":"req","id":1,"method":"hello","params":{"version":"3.0"}}`,
		`{"t":"req","id":1,"method":"record.query","params":{"name":"accuracy::*","limit":3,"start":0,"end":9}}`,
		`{"t":"req","id":1,"method":"history.stats"}`,
		`{"t":"req","id":1,"method":"history.verify"}`,
		`{"t":"req","id":1,"method":"sink.list"}`,
		`{"t":"req","id":1,"method":"history.page","params":{"pattern":"accuracy::*","start":0,"end":9,"descending":true,"per_record":2,"limit":3,"cursor":"0","max_id":1}}`,
		`{"t":"req","id":1,"method":"history.buckets","params":{"pattern":"#","start":0,"end":9,"width":1000,"path":"wind.gust"}}`,
		`{"t":"req","id":1,"method":"record.set","params":{"name":"hub.settings","value":{"tolerance_celsius":1}}}`,
		`{"t":"req","id":1,"method":"record.drain","params":{"name":"attic.co2","limit":1}}`,
		`{"t":"req","id":1,"method":"record.list"}` + "\n" + `{"t":"req","id":2,"method":"graph.nodes"}`,
		`{"t":"sub","id":5,"topic":"#"}` + "\n" + `{"t":"write","topic":"hub.bell","payload":{"value":{"ppm":1}}}`,
		`{"hello":{}}`,
		`{"hello":{"version":"1.0","client":"probe"}}` + "\n" + `{"version":"1","client":"probe","auth_token":"x"}`,
		`{"id":1,"method":"record.query","params":{"name":"ACC*::v*","limit":3,"start":0,"end":9}}`,
		`{"id":"a","method":"record.get","params":{"record":"attic.co2"}}`,
		`{"method":"record.subscribe","params":{"name":"hub.settings","send_initial":false}}` + "\n" + `{"method":"record.unsubscribe","params":{"subscription_id":"sub-1"}}`,
		`{"t":"sub","id":5,"topic":"hub.settings"}` + "\n" + `{"t":"unsub","sub":"5"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, frames string) {
		p := h.linePeer(t)
		defer closing(t, p.conn)
		p.send(t, frames+"\n"+`{"t":"req","id":987654321,"method":"none"}`)
		refused := false // a hello of the earlier protocol ends the connection when it is refused
		for {
			frame, err := p.read()
			if err != nil && refused {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(frame, `{"t":"reply","id":987654321,"err":"not_found"`) {
				return
			}
			refused = strings.Contains(frame, `"error":{"code":"version_mismatch"`)
		}
	})
}
