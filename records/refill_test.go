package records_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/records"
)

func TestInitialGivesWayToHistoryAndToProducers(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	with := func(key string, c records.Config) *records.Record[int] {
		c.Initial = 7
		return register[int](t, r, key, c)
	}
	latest, logs := records.Config{Kind: records.Latest}, records.Config{Kind: records.Latest, Logged: true}
	fresh, refilled, broken, produced := with("fresh", latest), with("refilled", logs), with("broken", logs), with("produced", logs)
	ringFresh, ringRefilled := with("ring.fresh", logged(3)), with("ring.refilled", logged(3))

	refill := func(record *records.Record[int], values ...string) {
		var rows []records.Stored
		for i, v := range values {
			rows = append(rows, records.Stored{ID: int64(i + 1), Time: int64(i + 1), Value: json.RawMessage(v)})
		}
		if _, err := record.Untyped().Refill(rows); err != nil {
			t.Error(err)
		}
	}
	produced.Produce(9)
	ringFresh.Produce(9)
	refill(refilled, "2", "1") // the newest first
	refill(broken, `"text"`)
	refill(produced, "1")
	refill(ringFresh)
	refill(ringRefilled, "2", "1")
	for record, want := range map[*records.Record[int]][]int{
		fresh: {7}, refilled: {2}, broken: {7}, produced: {9}, ringFresh: {7, 9}, ringRefilled: {1, 2},
	} {
		if v, ok := record.Latest(); !ok || v != want[len(want)-1] {
			t.Errorf("%s: latest is %d, %v; want %v", record.Key(), v, ok, want)
		}
		if m := record.Untyped().Metrics(); m.Items != len(want) {
			t.Errorf("%s: %d values are kept, want %v", record.Key(), m.Items, want)
		}
	}
	f := r.NewFeed(records.LogReader, []*records.Untyped{refilled.Untyped(), broken.Untyped(), ringFresh.Untyped()})
	defer f.Close()
	if got := take(f); !slices.Equal(got, []string{"ring.fresh=9"}) {
		t.Errorf("to the log goes %v, want only what was produced", got)
	}
	if raw, at, ok, err := broken.Untyped().Get(); string(raw) != "7" || at == 0 || !ok || err != nil {
		t.Errorf("get: %s, %d, %v, %v", raw, at, ok, err)
	}
}

func TestInitialOfTheWrongKind(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	for want, c := range map[string]records.Config{
		"string and not a int": {Kind: records.Latest, Initial: "7"},
		"mailbox":              {Kind: records.Mailbox, Initial: 7},
	} {
		if _, err := records.Register[int](r, "n", c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Register: %v, want it to say %q", err, want)
		}
	}
}

func TestRefill(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	record := register[int](t, r, "a::b", logged(3))
	latest := register[int](t, r, "l", records.Config{Kind: records.Latest, Logged: true})
	eager := register[int](t, r, "eager", records.Config{Kind: records.Ring, Capacity: 9, Logged: true, RefillStages: true})
	record.Produce(9)
	rows := []records.Stored{
		{ID: 4, Time: 30, Value: json.RawMessage(`"four"`)}, {ID: 3, Time: 30, Value: json.RawMessage("3")},
		{ID: 1, Time: 40, Value: json.RawMessage("1")}, {ID: 2, Time: 20, Record: "a.b", Value: json.RawMessage("2")},
	}
	if skipped, err := record.Untyped().Refill(rows); skipped != 1 || err != nil {
		t.Errorf("skipped %d, %v", skipped, err)
	}
	rows[3].Record = ""
	for _, h := range []*records.Untyped{latest.Untyped(), eager.Untyped()} {
		if _, err := h.Refill(rows); err != nil {
			t.Error(err)
		}
	}
	if v, ok := latest.Latest(); v != 3 || !ok {
		t.Errorf("latest is %d, %v", v, ok)
	}
	if _, at, _, _ := latest.Untyped().Get(); at != 30 {
		t.Errorf("its time is %d", at)
	}
	var values []int
	reader := latest.Subscribe("reader")
	defer reader.Close()
	if values = drain(reader); len(values) != 1 || values[0] != 3 {
		t.Errorf("a new reader got %v", values)
	}
	f := r.NewFeed(records.LogReader, r.Records())
	defer f.Close()
	if got := take(f); len(got) != 1 || got[0] != "a::b=9" {
		t.Errorf("logged again: %v", got)
	}
	if m := record.Untyped().Metrics(); m.Produced != 1 || m.Items != 3 {
		t.Errorf("metrics: %+v", m)
	}
	if _, err := record.Untyped().Refill(rows); err == nil {
		t.Error("refilled twice")
	}
	if _, err := register[int](t, r, "x", ring(1)).Untyped().Refill([]records.Stored{{Record: "y", Value: json.RawMessage("1")}}); err == nil {
		t.Error("refilled with rows of another record")
	}
}
