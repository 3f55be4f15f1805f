package gateway_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/records"
)

// secret is the value of the private records.
const secret = 424242

// openPrivate serves a public record, two private ones and their history, in which
// one name is not registered and one is another spelling of a private key.
func openPrivate(t *testing.T, remoteHistory bool) (h *fixture, safe, co2 *records.Record[reading]) {
	t.Helper()
	r := records.NewRegistry(records.RegistryOptions{})
	co2 = register[reading](t, r, "attic.co2", records.Config{Kind: records.Latest, Writable: true})
	safe = register[reading](t, r, "cellar.safe", records.Config{Kind: records.Latest, Signal: &records.SignalOf[reading]{
		Name: "ppm", Value: func(v reading) float64 { return float64(v.PPM) },
	}})
	vault := register[reading](t, r, "cellar::vault", records.Config{Kind: records.Ring, Capacity: 4})
	if err := r.Build(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	co2.Produce(reading{PPM: 612})
	safe.Produce(reading{PPM: secret})
	vault.Produce(reading{PPM: secret})
	h = &fixture{registry: r, history: &fakeHistory{}}
	for i, name := range []string{"cellar.safe", "attic.co2", "cellar::safe", "cellar.vault", "old.door", "attic.co2", "cellar::vault"} {
		value := secret
		switch name {
		case "attic.co2":
			value = 612
		case "old.door":
			value = 7
		}
		h.history.rows = append(h.history.rows, history.Row{ID: int64(i + 1), Record: name, Time: int64(i), Value: fmt.Appendf(nil, "%d", value)})
		h.history.buckets = append(h.history.buckets, history.Bucket{Record: name, Count: 1, Sum: float64(value)})
		h.history.records = append(h.history.records, history.RecordStats{Record: name, Rows: 1})
	}
	verify := func(context.Context) (aimx.Verification, error) {
		v := fullVerification()
		v.Unknown[0].Text = fmt.Sprintf("the value %d is damaged", secret)
		return v, nil
	}
	c := gateway.Config{Registry: r, History: h.history, RemoteHistory: remoteHistory, Verify: verify, Migrate: migrated}
	attended(&c)
	h.serve(t, c)
	return h, safe, co2
}

// migrated is a report about a private record and one that is not.
func migrated(_ context.Context, progress func(int64)) (history.MigrateReport, error) {
	progress(3)
	return history.MigrateReport{Rewritten: 3, Left: 2, Records: []history.MigratedRecord{
		{Record: "attic.co2", Shape: 1, Rewritten: 3}, {Record: "cellar.safe", Shape: 1, Left: 2, Reason: fmt.Sprintf("it is %d", secret)},
	}}, nil
}

// TestPrivateRecordsAreNotSent: no method answers with the value of a record that
// is registered without Remote.
func TestPrivateRecordsAreNotSent(t *testing.T) {
	const refused, notFound, denied = `"err":"internal"`, `"err":"not_found"`, `"err":"denied"`
	table := []struct{ method, params, want string }{
		{"hello", `{"version":"3.0"}`, `"writable_records":["attic.co2"]`},
		{"record.list", `null`, `"record_key":"cellar.safe"`},
		{"record.get", `{"name":"cellar.safe"}`, refused},
		{"record.get", `{"name":"cellar::safe"}`, refused},
		{"record.get", `{"name":"cellar.*"}`, notFound},
		{"record.set", `{"name":"cellar.safe","value":{"ppm":1}}`, denied},
		{"record.check", `{"name":"cellar.safe","value":{"ppm":1}}`, denied},
		{"record.check", `{"name":"cellar::vault","value":{"ppm":1}}`, denied},
		{"record.drain", `{"name":"cellar.safe"}`, refused},
		{"record.drain", `{"name":"cellar.vault"}`, refused},
		{"record.query", `{"name":"cellar.safe"}`, refused},
		{"record.query", `{"name":"cellar::safe","limit":9}`, refused},
		{"record.query", `{"name":"cellar.*","limit":9}`, `{"records":[],"total":0}`},
		{"record.query", `{"limit":9}`, `[{"topic":"attic.co2","payload":612,"ts":1},{"topic":"old.door","payload":7,"ts":4},{"topic":"attic.co2","payload":612,"ts":5}],"total":3`},
		{"history.page", `{"pattern":"cellar.vault"}`, refused},
		{"history.page", `{"pattern":"cellar.#"}`, `"rows":[],"left_out":0,"max_id":7,"next":""`},
		{"history.page", `{}`, `"rows":[{"record":"attic.co2","time":1,"value":612},{"record":"old.door","time":4,"value":7},{"record":"attic.co2","time":5,"value":612}],"left_out":0,"max_id":7,"next":""`},
		{"history.page", `{"limit":2}`, `"rows":[{"record":"attic.co2","time":1,"value":612},{"record":"old.door","time":4,"value":7}],"left_out":0,"max_id":7,"next":"`},
		{"history.page", `{"per_record":5,"limit":3}`, `{"record":"attic.co2","time":5,"value":612}],"left_out":0,"max_id":7,"next":""`},
		{"history.buckets", `{"width":1,"pattern":"cellar::safe"}`, refused},
		{"history.buckets", `{"width":1,"pattern":"cellar.*"}`, `"buckets":[]`},
		{"history.buckets", `{"width":1}`, `"record":"old.door"`},
		{"history.stats", `null`, `"rows":3,`},
		{"history.stats", `null`, `"private_records":4`},
		{"history.verify", `null`, `"records":[{"record":"attic.co2",`},
		{"history.verify", `null`, `"private":{"records":1,"unknown":2,"known":1}`},
		{"history.migrate", `null`, `"records":[{"record":"attic.co2","shape":1,"rewritten":3,"left":0}],"rewritten":3,"left":2`},
		{"history.migrate", `{"progress":true}`, `{"running":false,"rewritten":3}`},
		{"history.migrate", `{"deep":true}`, refused},
		{"sink.list", `null`, `[]`},
		{"stats", `null`, `"state":"ok"`},
		{"loss.list", `null`, `"sink":"ndjson","record":"attic.door"`},
		{"deadletter.list", `null`, `"hidden":1`},
		{"deadletter.retry", `{"sink":"sqlite","ids":[2]}`, `"stored":[]`},
		{"history.usage", `null`, `"record":"accuracy::vienna"`},
		{"retention.list", `null`, `"policies":[{`},
		{"retention.try", `null`, `"records":[{"record":"accuracy::vienna","rows":1,"bytes":0}]`},
		{"ingest.refused", `null`, `"accepted":`},
		{"graph.nodes", `null`, `"key":"cellar.safe"`},
		{"graph.edges", `null`, `[]`},
		{"graph.topo_order", `null`, `"cellar.safe"`},
		{"profiling.reset", `null`, `{"reset":true}`},
		{"buffer_metrics.reset", `null`, `{"reset":true}`}, // last: it resets the signal of the private record
	}
	untested := gateway.Methods()
	for _, c := range table {
		delete(untested, c.method)
	}
	if len(untested) > 0 {
		t.Errorf("no row for the methods %v", untested)
	}
	h, _, _ := openPrivate(t, true)
	for name, p := range h.peers(t) {
		for _, c := range table {
			p.send(t, fmt.Sprintf(`{"t":"req","id":1,"method":%q,"params":%s}`, c.method, c.params))
			got := p.next(t)
			if !strings.Contains(got, c.want) || strings.Contains(got, fmt.Sprint(secret)) || strings.Contains(got, "signal_stats") {
				t.Errorf("%s on %s with %s: got %s, want %s", c.method, name, c.params, got, c.want)
			}
		}
	}
}

// TestPrivateRecordsAreNotDelivered: no subscription delivers the value of a
// private record.
func TestPrivateRecordsAreNotDelivered(t *testing.T) {
	h, safe, co2 := openPrivate(t, true)
	unix, web := h.linePeer(t), h.webPeer(t)
	exchange(t, unix, `{"t":"sub","id":1,"topic":"cellar.safe"}`, `{"t":"reply","id":1,"err":"internal"}`)
	unix.send(t, `{"t":"sub","id":2,"topic":"cellar.#"}`)
	unix.send(t, `{"t":"sub","id":3,"topic":"#"}`)
	expect(t, unix, `{"t":"snap","seq":1,"last":true,"topic":"attic.co2","sub":"3","data":{"ppm":612}}`)
	for id, topic := range []string{"cellar.safe", "cellar::vault", "cellar.#"} {
		web.send(t, fmt.Sprintf(`{"t":"sub","id":%d,"topic":%q}`, id, topic))
		expect(t, web, fmt.Sprintf(`{"t":"subscribed","sub":"%d"}`, id))
	}
	web.send(t, `{"t":"sub","id":3,"topic":"#"}`)
	expect(t, web, `{"t":"subscribed","sub":"3"}`, `{"t":"snap","seq":1,"last":true,"topic":"attic.co2","sub":"3","data":{"ppm":612}}`)
	web.send(t, `{"t":"write","topic":"cellar.safe","payload":{"ppm":1}}`)
	barrier(t, web)
	safe.Produce(reading{PPM: secret})
	co2.Produce(reading{PPM: 613})
	for _, p := range []peer{unix, web} {
		expect(t, p, `{"t":"event","seq":2,"topic":"attic.co2","sub":"3","data":{"ppm":613}}`)
		barrier(t, p)
	}
	if v, ok := safe.Latest(); !ok || v.PPM != secret {
		t.Errorf("a private record was written: %v", v)
	}
}

// TestNamesThatAreNotRegistered: without RemoteHistory the rows of other names
// than those of registered records are not sent.
func TestNamesThatAreNotRegistered(t *testing.T) {
	h, _, _ := openPrivate(t, false)
	p := h.linePeer(t)
	for _, c := range []struct{ frame, want string }{
		{`{"t":"req","id":1,"method":"record.query","params":{"name":"old.door"}}`, `{"t":"reply","id":1,"ok":{"records":[],"total":0}}`},
		{`{"t":"req","id":1,"method":"record.query","params":{"name":"nothing"}}`, `{"t":"reply","id":1,"ok":{"records":[],"total":0}}`},
		{`{"t":"req","id":1,"method":"record.query","params":{"limit":2}}`, `{"t":"reply","id":1,"ok":{"records":[{"topic":"attic.co2","payload":612,"ts":1},{"topic":"attic.co2","payload":612,"ts":5}],"total":2}}`},
		{`{"t":"req","id":1,"method":"history.page","params":{"pattern":"old.#"}}`, `{"t":"reply","id":1,"ok":{"rows":[],"left_out":0,"max_id":7,"next":""}}`},
		{`{"t":"req","id":1,"method":"history.buckets","params":{"pattern":"old.door","width":1}}`, `{"t":"reply","id":1,"ok":{"buckets":[]}}`},
	} {
		exchange(t, p, c.frame, c.want)
	}
	c := dial(t, h.socket)
	if stats, err := c.HistoryStats(soon(t)); err != nil || stats.PrivateRecords != 5 || len(stats.Records) != 2 || stats.Rows != 2 {
		t.Errorf("stats %+v, %v", stats, err)
	}
}

// TestPagesBetweenPrivateRows: pages are full and end, however many private rows
// lie between the others.
func TestPagesBetweenPrivateRows(t *testing.T) {
	h, _, _ := openPrivate(t, true)
	h.history.rows = nil
	var want []int64
	for i := range int64(3000) {
		row := history.Row{ID: i + 1, Record: "cellar.safe", Time: i, Value: []byte("1")}
		if i%997 == 0 || i > 2990 {
			row.Record = "attic.co2"
			want = append(want, i)
		}
		h.history.rows = append(h.history.rows, row)
	}
	for _, perRecord := range []int{0, 100} {
		var got []int64
		q := history.PageQuery{RangeQuery: history.RangeQuery{Pattern: key.WirePattern("#"), Total: 4, PerRecord: perRecord}}
		for more := true; more; more = q.Cursor != "" {
			page, err := dial(t, h.socket).HistoryPage(soon(t), q)
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Rows) != 4 && page.Next != "" || len(page.Rows) == 0 {
				t.Errorf("a page has %d rows and the cursor %q", len(page.Rows), page.Next)
			}
			for _, row := range page.Rows {
				got = append(got, row.Time)
			}
			q.Cursor, q.MaxID = page.Next, page.MaxID
		}
		if !slices.Equal(got, want) {
			t.Errorf("with %d rows of each record: got %v, want %v", perRecord, got, want)
		}
	}
	if buckets, err := dial(t, h.socket).HistoryBuckets(soon(t), history.BucketQuery{Pattern: key.WirePattern("#"), Width: time.Second}); err != nil || len(buckets) != 3 {
		t.Errorf("buckets %v, %v", buckets, err)
	}
	if _, err := dial(t, h.socket).HistoryPage(soon(t), history.PageQuery{RangeQuery: history.RangeQuery{Pattern: key.WirePattern("cellar.safe")}}); !refusedWith(err, aimx.CodeInternal) || !strings.Contains(err.Error(), "Remote") {
		t.Errorf("got %v", err)
	}
}
