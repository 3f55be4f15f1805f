package historytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
)

func (x Target) stats(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := x.Open(t, dir)
	defer func() { closeStore() }()
	empty := describe(t, s)
	if empty.Identity == "" || empty.Rows != 0 || empty.LastPrune != 0 || len(empty.Records) != 0 {
		t.Errorf("a new history: %+v", empty)
	}
	f := newFeed(s)
	f.write(t, row("b", 5, "12"), row("a", 9, "123"), row("b", 3, "1"), row("b", 7, "1234"))
	b := f.batch(row("a", 10, "1"))
	b.Refused = []sinks.Refusal{{Entry: sinks.Entry{Sequence: f.at.Sequence, Record: "a", Time: 10, Value: []byte("{")}, Reason: "broken"}}
	b.Losses = []loss.Loss{{Record: "a", Cause: loss.RingOverrun, Count: 7, FirstTime: 1, LastTime: 2}}
	if err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	check := func(s Store, want string) {
		t.Helper()
		st := describe(t, s)
		if got := fmt.Sprint(st.Rows, st.Lost, st.DeadLetters, st.Records); got != want || st.Identity != empty.Identity || st.Bytes <= 0 {
			t.Errorf("got  %s of %d bytes\nwant %s", got, st.Bytes, want)
		}
	}
	check(s, "5 7 1 [{a 2 4 9 10} {b 3 7 3 7}]")
	closeStore()
	s, closeStore = x.Open(t, dir)
	check(s, "5 7 1 [{a 2 4 9 10} {b 3 7 3 7}]")
	plan := history.PrunePlan{Keep: []history.Keep{{Record: "a", Before: 100}, {Record: "b", MaxRows: 2}}}
	if _, err := s.Prune(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	check(s, "2 7 1 [{b 2 5 3 7}]")
	if describe(t, s).LastPrune == 0 {
		t.Error("the sweep was not noted")
	}
}

func describe(t testing.TB, s history.Reader) history.Stats {
	t.Helper()
	st, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func (x Target) position(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := x.Open(t, dir)
	defer func() { closeStore() }()
	at := locate(t, s)
	if at.MaxID != -1 || at.Position != (history.Position{}) || at.Identity == "" {
		t.Errorf("a new history is at %+v", at)
	}
	f := newFeed(s)
	f.write(t, numbered(10)...)
	at = locate(t, s)
	f.write(t, row("r1", 3, `"late"`))
	rows := collect(t, s.Range(t.Context(), history.RangeQuery{Pattern: pattern(t, "#"), MaxID: at.MaxID}))
	if at.Position != (history.Position{Log: "log", Sequence: 10}) || len(rows) != 10 {
		t.Errorf("up to %+v there are %d rows, want 10", at, len(rows))
	}
	before := locate(t, s)
	plan := history.PrunePlan{}
	for i := range 7 {
		plan.Keep = append(plan.Keep, history.Keep{Record: fmt.Sprint("r", i), Before: 1000})
	}
	if report, err := s.Prune(t.Context(), plan); err != nil || report.Rows != 11 {
		t.Fatalf("%+v, %v", report, err)
	}
	closeStore()
	s, closeStore = x.Open(t, dir)
	if after := locate(t, s); after != before {
		t.Errorf("pruned and opened again it is at %+v, and was at %+v", after, before)
	}
	f.store = s
	f.write(t, row("r1", 3, "1"))
	if rows := everything(t, s); len(rows) != 1 || rows[0].ID <= before.MaxID {
		t.Errorf("the new rows are %v, and the last ID was %d", rows, before.MaxID)
	}
}

func locate(t testing.TB, s history.Reader) history.Snapshot {
	t.Helper()
	at, err := s.Position(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// noNull: what is empty is an empty array in JSON, and not null.
func (x Target) noNull(t *testing.T) {
	s, all := x.open(t), pattern(t, "#")
	page, err := history.ReadPage(t.Context(), s, history.PageQuery{RangeQuery: history.RangeQuery{Pattern: all}})
	if err != nil {
		t.Fatal(err)
	}
	preview, report := prune(t, s, history.PrunePlan{Keep: []history.Keep{{Record: "a", MaxRows: 1}}})
	for _, v := range []any{page, describe(t, s), preview, report} {
		if text, err := json.Marshal(v); err != nil || bytes.Contains(text, []byte("null")) {
			t.Errorf("%T is %s, %v", v, text, err)
		}
	}
}
