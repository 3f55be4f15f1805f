package aimdb_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// told calls a method of the database and decodes its answer.
func told[T any](t *testing.T, db *aimdb.DB, method, params string) (answer T) {
	t.Helper()
	raw, err := db.Call(t.Context(), gateway.Call{Method: method, Params: []byte(params)})
	if err == nil {
		err = json.Unmarshal(raw, &answer)
	}
	if err != nil {
		t.Fatalf("%s %s: %v", method, params, err)
	}
	return answer
}

// kept opens a database in a directory that stores values of at most some bytes, with the
// record temp::a and the private record safe.
func kept(t *testing.T, dir string, bytes int, opts ...aimdb.Option) (db *aimdb.DB, a, safe *aimdb.Record[string]) {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(dir, "history.db"), sqlite.MaxValueBytes(bytes))
	if err != nil {
		t.Fatal(err)
	}
	db, err = aimdb.New(append([]aimdb.Option{aimdb.Dir(dir), aimdb.WithPersistence(store, 0)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	a = register[string](t, db, "temp::a", aimdb.Ring(100), aimdb.Persist(), aimdb.Remote())
	safe = register[string](t, db, "safe", aimdb.Ring(100), aimdb.Persist())
	return db, a, safe
}

func send(t *testing.T, db *aimdb.DB, r *aimdb.Record[string], values ...string) {
	t.Helper()
	for _, v := range values {
		if err := r.Send(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestUpkeep: what operators are told of log, sinks and history is what happened.
func TestUpkeep(t *testing.T) {
	dir := t.TempDir()
	db, a, safe := kept(t, dir, 50, aimdb.Retain("temp.*", aimdb.Retention{MaxRows: 2}), aimdb.HistoryBytes(1<<30), aimdb.LogLimits(time.Hour, 1<<20))
	stop := start(t, db)
	send(t, db, a, "1", strings.Repeat("x", 60), "2", "3", strings.Repeat("y", 70))
	send(t, db, safe, "secret", strings.Repeat("z", 60))

	state := told[aimx.DatabaseState](t, db, "stats", "")
	log := state.Log
	if log.State != "ok" || log.Messages != 7 || log.First != 1 || log.Last != 7 || log.Bytes == 0 || log.Oldest == 0 || log.MaxBytes != 1<<20 || log.MaxAge != 3_600_000 || log.FailingSince != 0 {
		t.Errorf("log: %+v", log)
	}
	if s := state.Sinks; len(s) != 1 || s[0].Name != "sqlite" || s[0].Sequence != 7 || s[0].LagMessages != 0 || s[0].Refused != 3 || s[0].LastCommit == 0 || s[0].Values != 4 {
		t.Errorf("sinks: %+v", s)
	}
	if h := state.History; h == nil || h.Records != 2 || h.Rows != 4 || h.Bytes == 0 || h.DeadLetters != 3 || h.Lost != 3 || h.Oldest == 0 || h.Newest < h.Oldest {
		t.Errorf("history: %+v", h)
	}

	usage := told[aimx.Usage](t, db, "history.usage", "")
	if len(usage.Records) != 1 || usage.Records[0].Record != "temp::a" || usage.Records[0].Rows != 3 || usage.Records[0].Bytes != 9 ||
		usage.Others != (aimx.UsageSum{Records: 1, Rows: 1, Bytes: 8}) || usage.ValueBytes != 17 || usage.Bytes == 0 || usage.LogBytes != log.Bytes {
		t.Errorf("usage: %+v", usage)
	}

	losses := told[aimx.LossPage](t, db, "loss.list", "")
	if len(losses.Losses) != 2 || losses.Hidden != 1 || losses.Next != "" || losses.Losses[0].Record != "temp::a" || losses.Losses[0].From != 2 || losses.Losses[0].Sink != "sqlite" {
		t.Errorf("losses: %+v", losses)
	}
	if c := losses.Causes; len(c) != 1 || c[0] != (aimx.LossSum{Sink: "sqlite", Cause: loss.SinkRefused, Count: 3, Entries: 3}) {
		t.Errorf("causes: %+v", c)
	}
	stop()

	db, _, _ = kept(t, dir, 1000, aimdb.Retain("temp.*", aimdb.Retention{MaxRows: 2}), aimdb.SweepEvery(time.Hour))
	defer start(t, db)()
	awaitHistory(t, db, "one row less", func(h *history.Stats) bool { return h.Rows == 3 })
	page := told[aimx.LetterPage](t, db, "deadletter.list", "")
	if len(page.Letters) != 2 || page.Hidden != 1 || page.Letters[0].Bytes != 62 || !strings.HasPrefix(page.Letters[0].Value, `"xxx`) || page.Letters[0].Reason == "" {
		t.Fatalf("letters: %+v", page)
	}
	first := page.Letters[0].ID
	retried := told[aimx.RetriedLetters](t, db, "deadletter.retry", string(mustJSON(t, map[string]any{"sink": "sqlite", "ids": []int64{first, 9999}})))
	if len(retried.Stored) != 1 || retried.Stored[0] != first || len(retried.Failed) != 1 || retried.Failed[0].ID != 9999 {
		t.Errorf("retried: %+v", retried)
	}
	if page := told[aimx.LetterPage](t, db, "deadletter.list", ""); len(page.Letters) != 1 {
		t.Errorf("after the retry: %+v", page)
	}
	if losses := told[aimx.LossPage](t, db, "loss.list", ""); len(losses.Losses) != 1 {
		t.Errorf("losses after the retry: %+v", losses)
	}

	limits := told[aimx.Retention](t, db, "retention.list", "")
	if len(limits.Policies) != 1 || limits.Policies[0] != (aimx.RetentionPolicy{Pattern: "temp.*", MaxRows: 2}) || limits.Every != 3_600_000 {
		t.Errorf("retention: %+v", limits)
	}
	if p := limits.Pruned; len(p) != 1 || p[0] != (aimx.Pruned{Pattern: "temp.*", Rows: 1, Bytes: 3}) {
		t.Errorf("pruned: %+v", p)
	}
	if r := told[history.PruneReport](t, db, "retention.try", ""); r.Rows != 1 || r.Bytes != 62 && r.Bytes != 3 {
		t.Errorf("a sweep now would delete %+v", r)
	}
	none := told[history.PruneReport](t, db, "retention.try", `{"policies":[]}`)
	one := told[history.PruneReport](t, db, "retention.try", `{"policies":[{"pattern":"#","max_rows":1}]}`)
	if none.Rows != 0 || one.Rows != 2 || len(one.Records) != 1 || one.Records[0].Record != "temp::a" {
		t.Errorf("without limits %+v, with one row each %+v", none, one)
	}
	if stats, err := db.Stats(t.Context()); err != nil || stats.History.Rows != 4 {
		t.Errorf("a dry run changed the history: %+v, %v", stats.History, err)
	}
	for _, params := range []string{`{"policies":[{"pattern":"a..b","max_rows":1}]}`, `{"policies":[{"pattern":"#"}]}`, `{"policies":[{"pattern":"#","max_rows":-1}]}`, `{"policies":[{"pattern":"#","max_age_ms":9223372036854775807}]}`, `{"history_bytes":-1}`} {
		if answer, err := db.Call(t.Context(), gateway.Call{Method: "retention.try", Params: []byte(params)}); err == nil || strings.Contains(err.Error(), "the history failed") {
			t.Errorf("%s: %s, %v", params, answer, err)
		}
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestUpkeepWithoutHistory: the log has a state, and there are no ledgers.
func TestUpkeepWithoutHistory(t *testing.T) {
	db, err := aimdb.New(aimdb.Name("house"))
	if err != nil {
		t.Fatal(err)
	}
	r := register[string](t, db, "n", aimdb.Ring(2), aimdb.Remote())
	defer start(t, db)()
	r.Produce("1")
	if s := told[aimx.DatabaseState](t, db, "stats", ""); s.History != nil || len(s.Sinks) != 0 || s.Log.State != "ok" || s.Time == 0 {
		t.Errorf("%+v", s)
	}
	if l := told[aimx.LossPage](t, db, "loss.list", ""); len(l.Losses) != 0 || l.Next != "" {
		t.Errorf("%+v", l)
	}
	if l := told[aimx.LetterPage](t, db, "deadletter.list", ""); len(l.Letters) != 0 {
		t.Errorf("%+v", l)
	}
	for _, method := range []string{"history.usage", "retention.list", "retention.try"} {
		if _, err := db.Call(t.Context(), gateway.Call{Method: method}); err == nil || !strings.Contains(err.Error(), "keeps no history") {
			t.Errorf("%s: %v", method, err)
		}
	}
}
