package aimdb_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// serveMigrated serves a record with the rows 1, -400 and 2 of its first shape, of which the
// second cannot be upgraded, over a socket and NATS.
func serveMigrated(t *testing.T) (db *aimdb.DB, r *aimdb.Record[tempV2], socket string) {
	dir := t.TempDir()
	writeAs(t, dir, asV0, 1, -400, 2)
	socket = filepath.Join(dir, "s")
	db = open(t, dir, aimdb.Gateway(socket), aimdb.NATS(":0"), aimdb.ServiceWrites("#"))
	r = register[tempV2](t, db, migrated, aimdb.Ring(100), aimdb.Persist(), aimdb.Remote(), aimdb.Writable(), aimdb.Migrate(v0to1), aimdb.Migrate(v1to2))
	t.Cleanup(start(t, db))
	return db, r, socket
}

// legacyCall is one call in the frames of the protocol before AimX 3.0.
func legacyCall(t *testing.T, socket, method, params string) string {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, `{"id":1,"method":%q,"params":%s}`+"\n", method, params); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`\d{13}`).ReplaceAllString(line, "T")
}

// A row that cannot be upgraded is no value anywhere, and no null either.
func TestNoWayLeadsToARowThatCannotBeUpgraded(t *testing.T) {
	const one, two = `{"reading":{"kelvin":274.0},"city":"vienna"}`, `{"reading":{"kelvin":275.0},"city":"vienna"}`
	db, _, socket := serveMigrated(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	all := history.RangeQuery{Pattern: key.WirePattern("#")}
	for name, c := range map[string]*aimx.Client{
		"socket": dialAimX(t, socket),
		"NATS":   dialOver(t, dialNATS(t, db.Addresses().NATS), "aimdb"),
	} {
		values := func(rows []history.Row) (all []string) {
			for _, row := range rows {
				all = append(all, string(row.Value))
			}
			return all
		}
		rows, err := c.Query(ctx, "#", 9, history.Window{})
		if err != nil {
			t.Fatal(name, err)
		}
		equal(t, name+": query", values(rows), []string{one, two})
		for _, method := range []string{"get", "query with a cursor", "drain"} {
			var raw json.RawMessage
			want := ""
			switch method {
			case "get":
				raw, err = c.Get(ctx, migrated)
				want = two
			case "query with a cursor":
				raw, err = c.Call(ctx, "record.query", map[string]any{"name": "#", "cursor": "", "order": "desc"})
				want = `{"records":[{"topic":"temp::vienna","payload":` + two + `,"ts":T},{"topic":"temp::vienna","payload":` + one + `,"ts":T}],"total":2,"next":""}`
			case "drain":
				if name == "NATS" {
					continue // it has no cursors
				}
				var drained []json.RawMessage
				drained, err = c.Drain(ctx, migrated, 9)
				raw, want = json.RawMessage(fmt.Sprintf("%s", drained)), "[]"
			}
			got := regexp.MustCompile(`\d{13}`).ReplaceAllString(string(raw), "T")
			if err != nil {
				t.Errorf("%s: %s: %v", name, method, err)
			}
			equal(t, name+": "+method, got, want)
		}
		page, err := c.HistoryPage(ctx, history.PageQuery{RangeQuery: all})
		if err != nil || page.LeftOut != 1 || len(page.Rows) != 2 || page.Rows[0].Shape != 2 {
			t.Errorf("%s: page: %+v, %v", name, page, err)
		}
		buckets, err := c.HistoryBuckets(ctx, history.BucketQuery{Pattern: all.Pattern, Width: 1000 * time.Hour, Path: "reading.kelvin"})
		if err != nil || len(buckets) != 1 || buckets[0].Count != 2 || buckets[0].NotNumeric != 1 || buckets[0].Max != 275 {
			t.Errorf("%s: buckets: %+v, %v", name, buckets, err)
		}
		raw, err := c.Call(ctx, "record.query", map[string]any{"name": "#", "bucket": map[string]any{"width": 3_600_000_000, "path": "reading.kelvin"}})
		if err != nil || !regexp.MustCompile(`"count":2,"missing":0,"not_numeric":1,"min":274,"max":275`).Match(raw) {
			t.Errorf("%s: query with a bucket: %s, %v", name, raw, err)
		}
	}
	equal(t, "legacy query", legacyCall(t, socket, "record.query", `{"limit":9}`),
		`{"id":1,"result":{"values":[{"record":"temp::vienna","value":`+two+`,"stored_at":T},{"record":"temp::vienna","value":`+one+`,"stored_at":T}],"count":2}}`+"\n")
}

// A value of an older shape can be set and checked by each way.
func TestSetOfAnOlderShapeByEachWay(t *testing.T) {
	db, r, socket := serveMigrated(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	celsius := 10.0
	is := func(what string) {
		t.Helper()
		if v, _ := r.Latest(); v != v2(celsius) {
			t.Errorf("%s: the value is %+v, want %g °C", what, v, celsius)
		}
	}
	for name, c := range map[string]*aimx.Client{
		"socket": dialAimX(t, socket),
		"NATS":   dialOver(t, dialNATS(t, db.Addresses().NATS), "aimdb"),
	} {
		celsius++
		if _, err := c.Set(ctx, migrated, tempV0{celsius}); err != nil {
			t.Error(name, err)
		}
		is(name)
		if name == "socket" { // NATS has no record.check
			if err := c.CheckSet(ctx, migrated, tempV1{Tenths: 5}); err != nil {
				t.Errorf("%s: check: %v", name, err)
			}
			if err := c.CheckSet(ctx, migrated, tempV0{-400}); err == nil {
				t.Errorf("%s: a check of a value that cannot be upgraded succeeds", name)
			}
		}
		if _, err := c.Set(ctx, migrated, tempV0{-400}); err == nil {
			t.Errorf("%s: a set of a value that cannot be upgraded succeeds", name)
		}
		is(name + " after a refusal")
	}
	celsius++
	if answer := legacyCall(t, socket, "record.set", fmt.Sprintf(`{"name":%q,"value":{"celsius":%g}}`, migrated, celsius)); !regexp.MustCompile(`"result"`).MatchString(answer) {
		t.Errorf("legacy set: %s", answer)
	}
	is("legacy set")
	if err := db.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	rows := kelvins(t, db)
	equal(t, "stored", rows[len(rows)-1], celsius+273)
}
