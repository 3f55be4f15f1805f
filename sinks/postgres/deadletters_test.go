package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

// TestRefuses: what PostgreSQL can never take is refused before anything is sent.
func TestRefuses(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn})
	defer stop()
	var entries []sinks.Entry
	add := func(record, value string) {
		entries = append(entries, sinks.Entry{Sequence: uint64(len(entries) + 1), Record: record, Value: []byte(value)})
	}
	for _, bad := range [][2]string{
		{"a", ""}, {"a", "{"}, {"a", "\"\xff\""}, {"a", "\"\x00\""}, {"a", "1\x00"}, {"a", strings.Repeat("[", 101) + strings.Repeat("]", 101)},
		{"\xff", "1"}, {"a\x00b", "1"}, {strings.Repeat("x", 1001), "1"},
	} {
		add(bad[0], bad[1])
	}
	bad := len(entries)
	for _, good := range [][2]string{{"a", `"\u0000"`}, {"ä", `"😀"`}, {strings.Repeat("x", 1000), strings.Repeat("[", 100) + strings.Repeat("]", 100)}, {"big", `"` + strings.Repeat("x", 4<<20) + `"`}} {
		add(good[0], good[1])
	}
	b := &sinks.Batch{Entries: entries, Checkpoint: history.Position{Log: "log", Sequence: uint64(len(entries))}}
	var refused *sinks.RefusedError
	if err := s.Write(t.Context(), b); !errors.As(err, &refused) || len(refused.Entries) != bad {
		t.Fatalf("%v; %v", err, refused)
	}
	b.Entries = entries[bad:]
	if err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	for i, row := range stored(t, dsn) {
		want := map[string]string{}
		for _, e := range b.Entries {
			want[e.Record] = string(e.Value)
		}
		if want[row.Record] != string(row.Value) {
			t.Errorf("row %d of %.20s differs from what was written", i, row.Record)
		}
	}
}

// TestDeadLetters: what was refused is stored later or dropped, while batches come.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn})
	defer stop()
	b := &sinks.Batch{Checkpoint: history.Position{Log: "log", Sequence: 9}}
	for i, e := range []sinks.Entry{
		{Record: "a", Time: 20, Value: []byte("2")}, {Record: "b\xff", Time: 5, Value: nil}, {Record: "a", Time: 1, Value: []byte("\x00")},
		{Record: "a", Time: 7, Value: []byte(strings.Repeat("1", 2<<20))},
	} {
		e.Sequence = uint64(i + 1)
		b.Refused = append(b.Refused, sinks.Refusal{Entry: e, Reason: "no\x00t \xff today"})
		b.Losses = append(b.Losses, loss.Loss{Record: e.Record, Cause: loss.SinkRefused, Run: 1 << 63, Count: 1, From: e.Sequence, To: e.Sequence, FirstTime: e.Time, LastTime: e.Time})
	}
	if err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	letters := collect(t, s.DeadLetters(t.Context()))
	if len(letters) != 4 || letters[1].Record != "b\xff" || len(letters[3].Value) != 1<<20 || string(letters[2].Value) != "\x00" {
		t.Fatalf("%d dead letters: %.300v", len(letters), letters)
	}
	if l := collect(t, s.Losses(t.Context())); len(l) != 4 || l[0] != b.Losses[0] || l[1].Record != "b\ufffd" {
		t.Fatalf("the ledger has %+v", l)
	}
	appendTo(t, s, 30, 25) // which is a clock step
	for i, says := range []string{"", "no text", "not JSON", "only the first"} {
		err := s.RetryDeadLetter(t.Context(), letters[i].ID)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("retry %d: %v, want %q", i, err, says)
		}
	}
	if err := s.DropDeadLetter(t.Context(), letters[1].ID); err != nil {
		t.Error(err)
	}
	for _, again := range []func(context.Context, int64) error{s.DropDeadLetter, s.RetryDeadLetter} {
		if err := again(t.Context(), letters[0].ID); !errors.Is(err, postgres.ErrNoDeadLetter) {
			t.Errorf("what is gone gives %v", err)
		}
	}
	appendTo(t, s, 22) // before 25: the retried row is not the one stored last
	got := ask[string](t, dsn, `SELECT string_agg(id || ' ' || stored_at, ', ' ORDER BY id) || '; ' || (SELECT rows || ' ' || step_id || ' ' || last_time FROM aimdb_record)
		|| '; ' || (SELECT count(*) FROM aimdb_loss) || ' ' || (SELECT count(*) FROM aimdb_dead_letter) FROM record_history`)
	if want := "1 30, 2 25, 3 20, 4 22; 4 4 22; 3 2"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
