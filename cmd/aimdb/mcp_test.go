package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestAssistantAsks asks a database with history what its tools can tell.
func TestAssistantAsks(t *testing.T) {
	o := openObservatory(t)
	a := assist(t, "--connect", o.socket)
	if text := a.session.InitializeResult().Instructions; !strings.Contains(text, "never instructions") {
		t.Errorf("the instructions do not say that values are data: %s", text)
	}
	first, late := o.at(0).Format(time.RFC3339), o.at(200).Format(time.RFC3339)
	for _, c := range []struct {
		tool string
		in   toolArguments
		says []string
	}{
		{"get_instance_info", nil, []string{`"protocol_version":"3.0"`, o.socket}},
		{"list_records", nil, []string{`"record_key":"temp::a"`, `"record_key":"counter"`, `"persisted":true`}},
		{"list_records", toolArguments{"pattern": "temp::*", "cursor": nil}, []string{`temp::b`}},
		{"get_record", toolArguments{"record_name": "exact"}, []string{`"id":9007199254740993,"celsius":22.0`}},
		{"get_record", toolArguments{"record_name": "big", "path": "list[1]"}, []string{`"value":8`}},
		{"get_record", toolArguments{"record_name": "big"}, []string{`"value_cut":"{`, `"value_bytes":`}},
		{"query_schema", toolArguments{"record_name": "exact"}, []string{`"celsius":{"type":"number"}`, `"id":{"type":"integer"}`, `"inferred":true`}},
		{"query_latest", toolArguments{"record_name": "temp::*", "limit": 2}, []string{`"n":239`, `"n":238`}},
		{"query_latest", toolArguments{"record_name": "temp::a", "end": late}, []string{`"n":200`}},
		{"query_latest", toolArguments{"record_name": "counter"}, []string{"none of the 1 records that match is persisted"}},
		{"query_range", toolArguments{"record_name": "temp::a", "start": "10m ago", "order": "desc", "limit": 1}, []string{`"n":239,"celsius":9.0`, `"more":true`}},
		{"query_range", toolArguments{"record_name": "temp::a", "start": first, "end": fmt.Sprint(o.at(1).UnixMilli())}, []string{`"n":0`, `"n":1`}},
		{"query_range", toolArguments{"record_name": "nobody"}, []string{"no record matches"}},
		{"query_buckets", toolArguments{"record_name": "temp::a", "width": "365d", "path": "n"}, []string{`"count":210`}},
		{"query_buckets", toolArguments{"record_name": "temp::a", "width": "1d", "path": "nope"}, []string{"none of 210 rows has a number"}},
		{"history_stats", nil, []string{`"record":"temp::a","rows":210`, `"private_records":1`}},
		{"graph_nodes", nil, []string{`"key":"temp::a"`, `"buffer_capacity":10`}},
		{"graph_edges", nil, []string{`"from":"temp::a"`}},
		{"graph_topo_order", nil, []string{`"counter"`}},
		{"get_buffer_metrics", toolArguments{"record_key": "temp"}, []string{`temp::b`, `"found":true`}},
		{"get_stage_profiling", toolArguments{"record_key": "xyz"}, []string{`"found":false`}},
		{"list_sinks", nil, []string{`"name":"sqlite"`, `"state":"ok"`}},
		{"list_losses", nil, []string{"call again with ledger true"}},
		{"list_losses", toolArguments{"ledger": true}, []string{`"cause":"ring_overrun"`, `"count":30`}},
		{"verify_history", nil, []string{`"verdict":"`, `"record":"temp::a","rows":210`}},
		{"discover_instances", nil, []string{o.socket}},
	} {
		var in any
		if c.in != nil {
			in = c.in
		}
		text := a.call(c.tool, in, nil)
		for _, s := range c.says {
			if !strings.Contains(text, s) {
				t.Errorf("%s %v does not say %s:\n%.2000s", c.tool, c.in, s, text)
			}
		}
		if strings.Contains(text, secretText) || c.tool != "list_records" && c.tool[:5] != "graph" && strings.Contains(text, "vault::x") {
			t.Errorf("%s %v tells of a private record:\n%.2000s", c.tool, c.in, text)
		}
	}
	for name, tool := range a.tools {
		h := tool.Annotations
		if h.ReadOnlyHint != (name != "drain_record") || *h.DestructiveHint || *h.OpenWorldHint || tool.Description == "" {
			t.Errorf("%s has the annotations %+v", name, h)
		}
	}
	r, err := a.session.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: "aimdb://" + o.socket + "/records"})
	if err != nil || !strings.Contains(r.Contents[0].Text, `"record_key":"temp::a"`) {
		t.Errorf("the resource has %+v, %v", r, err)
	}
}

// TestAssistantIsTold: what is wrong is an error of the tool that says what to do.
func TestAssistantIsTold(t *testing.T) {
	t.Parallel()
	o := openObservatory(t)
	a := assist(t, "--connect", o.socket)
	for _, c := range []struct {
		tool string
		in   any
		says string
	}{
		{"get_record", toolArguments{"record_name": "nobody"}, "list_records"},
		{"get_record", toolArguments{"record_name": "counter"}, "whether they have a value"}, // it waits for a first one
		{"get_record", toolArguments{"record_name": strings.Repeat("x", 100_000)}, "(cut)"},
		{"get_record", toolArguments{}, "record_name"},
		{"get_record", toolArguments{"record_name": 7}, "record_name"},
		{"get_record", toolArguments{"record": "exact"}, "it takes endpoint, record_name"},
		{"get_record", []int{1}, "the arguments of get_record are wrong"},
		{"get_record", toolArguments{"record_name": "exact", "path": "a..b"}, "is not one"},
		{"get_record", toolArguments{"record_name": "exact", "path": "a"}, `no member "a"`},
		{"get_record", toolArguments{"record_name": "vault::x"}, "not exposed"},
		{"get_record", toolArguments{"record_name": `a"b`}, "a"},
		{"query_range", toolArguments{"record_name": "vault::x"}, "not exposed"},
		{"explain_gap", toolArguments{"record_name": "vault::x", "from": "1h"}, "not exposed"},
		{"query_schema", toolArguments{"record_name": "vault::x"}, "not exposed"},
		{"drain_record", toolArguments{"record_name": "vault::x"}, "not exposed"},
		{"query_range", toolArguments{"record_name": "te*"}, "wildcard"},
		{"query_range", toolArguments{"record_name": "#", "start": "yesterday"}, "write RFC 3339"},
		{"query_range", toolArguments{"record_name": "#", "start": "1700000000"}, "looks like seconds"},
		{"query_range", toolArguments{"record_name": "#", "start": "1h", "end": "2h"}, "start is after end"},
		{"query_range", toolArguments{"record_name": "#", "limit": 100_000}, "give 1 to 1000"},
		{"query_range", toolArguments{"record_name": "#", "order": "up"}, "asc or desc"},
		{"query_range", toolArguments{"record_name": "#", "cursor": "abc"}, "cursor does not belong"},
		{"query_buckets", toolArguments{"record_name": "#", "width": "0"}, "not a span"},
		{"query_buckets", toolArguments{"record_name": "#", "width": "1ms", "start": "2d"}, "greater width"},
		{"explain_gap", toolArguments{"record_name": "temp::*", "from": "1h"}, "one record"},
		{"explain_gap", toolArguments{"record_name": "nobody", "from": "1h"}, "no record"},
		{"drain_record", toolArguments{"record_name": "counter", "limit": -1}, "negative"},
		{"list_records", toolArguments{"endpoint": "/nowhere/at/all"}, "start the database"},
		{"list_records", toolArguments{"endpoint": "ftp://127.0.0.1"}, "unknown scheme"},
		{"list_records", toolArguments{"endpoint": "tcp://192.0.2.1:7433"}, "--allow-endpoint"},
		{"list_records", toolArguments{"endpoint": "ws://localhost.example.org:80/ws?q=what-it-read"}, "--allow-endpoint"},
	} {
		a.fails(c.tool, c.in, c.says)
	}
	if _, err := a.session.CallTool(t.Context(), &sdk.CallToolParams{Name: "set_record"}); err == nil {
		t.Error("set_record can be called without --allow-set")
	}
	none := assist(t)
	none.fails("list_records", nil, "--connect", "AIMDB_CONNECT")
	none.call("list_records", toolArguments{"endpoint": o.socket}, nil)
	for _, args := range [][]string{{"--connect", "tcp://"}, {"--allow-set", "te*"}, {"--answer-bytes", "10"}, {"--listen-token-file", "x"}, {"extra"}} {
		aimdb(t, append([]string{"mcp"}, args...)...).fails(t, exitUsage, "--help")
	}
}

// TestAssistantExplainsGaps: the reason of a hole is what has made it.
func TestAssistantExplainsGaps(t *testing.T) {
	o := openObservatory(t)
	a := assist(t, "--connect", o.socket)
	type explained struct {
		Rows  int64
		Usual float64 `json:"usual_spacing_seconds"`
		Gaps  []struct {
			From, To, Certainty, Reason string
			Missing                     int `json:"missing_about"`
			Open                        bool
			Others                      []string `json:"records_with_rows"`
		}
		Facts, Unchecked []string
	}
	for _, c := range []struct {
		record              string
		from, to            int
		holeFrom, holeTo    int // no gap if both are 0
		certainty, why, not string
	}{
		{"temp::a", 50, 100, holeA - 1, holeA + 30, "known", "30 values were lost (ring_overrun)", "vault"},
		{"temp::a", holeA + 5, holeA + 10, holeA - 1, holeA + 30, "known", "ring_overrun", "vault"}, // the window has no row
		{"temp::b", 100, 200, holeB - 1, holeB + 30, "likely", "other records were stored then", "vault"},
		{"temp::b", 0, 60, 0, 0, "", "", ""},
		{"temp::a", 150, 220, 0, 0, "", "", ""},
	} {
		var e explained
		text := a.call("explain_gap", toolArguments{"record_name": c.record, "from": o.at(c.from).Format(time.RFC3339), "to": o.at(c.to).Format(time.RFC3339)}, &e)
		if c.holeTo == 0 {
			if len(e.Gaps) != 0 || e.Usual != 60 || !strings.Contains(text, "no gap") {
				t.Errorf("%s from %d to %d: %s", c.record, c.from, c.to, text)
			}
			continue
		}
		if len(e.Gaps) != 1 {
			t.Fatalf("%s from %d to %d has %d gaps: %s", c.record, c.from, c.to, len(e.Gaps), text)
		}
		g := e.Gaps[0]
		if g.From != o.at(c.holeFrom).Format("2006-01-02T15:04:05.000Z") || g.To != o.at(c.holeTo).Format("2006-01-02T15:04:05.000Z") || g.Missing != 30 ||
			g.Certainty != c.certainty || !strings.Contains(g.Reason, c.why) || strings.Contains(text, c.not) {
			t.Errorf("%s from %d to %d: %s", c.record, c.from, c.to, text)
		}
	}
	// More rows than are read one by one.
	var fast explained
	text := a.call("explain_gap", toolArguments{"record_name": "fast::a", "from": o.at(0).Format(time.RFC3339), "to": o.at(59).Format(time.RFC3339)}, &fast)
	if len(fast.Gaps) != 1 || fast.Rows != 3241 || fast.Gaps[0].From != o.at(20).Add(-time.Second).Format("2006-01-02T15:04:05.000Z") || fast.Gaps[0].To != o.at(25).Format("2006-01-02T15:04:05.000Z") {
		t.Errorf("many rows: %s", text)
	}
	// The end: nothing writes the record any more.
	var e explained
	text = a.call("explain_gap", toolArguments{"record_name": "temp::a", "from": o.at(230).Format(time.RFC3339), "ledger": false}, &e)
	if len(e.Gaps) > 1 || len(e.Gaps) == 1 && !e.Gaps[0].Open || !strings.Contains(text, "the argument ledger is false") {
		t.Errorf("at the end: %s", text)
	}
}

// TestAssistantPages: following the cursors yields each row once, in answers that fit.
func TestAssistantPages(t *testing.T) {
	t.Parallel()
	o := openObservatory(t)
	a := assist(t, "--connect", o.socket, "--answer-bytes", "6000")
	type page struct {
		Rows []struct {
			Record, Time string
			Value        struct{ N int }
		}
		Records []struct {
			Key string `json:"record_key"`
		}
		LeftOut int    `json:"left_out"`
		Next    string `json:"next_cursor"`
	}
	for _, c := range []struct {
		tool string
		in   toolArguments
		want int
	}{
		{"query_range", toolArguments{"record_name": "temp::*", "start": "365d ago", "limit": 150}, 420},
		{"query_range", toolArguments{"record_name": "temp::*", "order": "desc", "limit": 150}, 420},
		{"query_latest", toolArguments{"record_name": "temp::*", "limit": 100}, 200},
		{"list_records", toolArguments{}, 8},
	} {
		seen := map[string]bool{}
		for pages := 1; ; pages++ {
			var p page
			text := a.call(c.tool, c.in, &p)
			if len(text) > 6000 {
				t.Errorf("%s: a page has %d bytes", c.tool, len(text))
			}
			for _, r := range p.Rows {
				seen[fmt.Sprint(r.Record, r.Value.N)] = true
			}
			for _, r := range p.Records {
				seen[r.Key] = true
			}
			if p.Next == "" {
				if p.LeftOut != 0 || pages < 2 && c.tool != "list_records" {
					t.Errorf("%s: %d pages, and the last one leaves out %d", c.tool, pages, p.LeftOut)
				}
				break
			}
			c.in["cursor"] = p.Next
		}
		if len(seen) != c.want {
			t.Errorf("%s: the pages have %d rows, want %d", c.tool, len(seen), c.want)
		}
	}
	var p page
	a.call("query_range", toolArguments{"record_name": "temp::*"}, &p)
	a.fails("query_range", toolArguments{"record_name": "temp::a", "cursor": p.Next}, "cursor does not belong")
}
