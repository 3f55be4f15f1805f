package postgres_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

// late is a value with a time of its own.
func late(record string, ms, written int64, value string) sinks.Entry {
	return sinks.Entry{Record: record, Time: written, Timed: true, Event: ms, Value: []byte(value)}
}

func writeEntries(t testing.TB, s *postgres.Store, refused []sinks.Refusal, entries ...sinks.Entry) {
	t.Helper()
	at, err := s.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := &sinks.Batch{Previous: at, Checkpoint: history.Position{Log: "log", Sequence: at.Sequence + 1}, Refused: refused}
	for _, e := range entries {
		e.Sequence = b.Checkpoint.Sequence
		b.Checkpoint.Sequence++
		b.Entries = append(b.Entries, e)
	}
	if err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// TestPartitionsOfEventTimes: a partition goes when all its rows were written long ago, and
// not when only their own times are long ago.
func TestPartitionsOfEventTimes(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stop()
	writeEntries(t, s, nil, late("a", 100*week, 102*week, "1"), late("a", 100*week+1, 109*week, "2"), late("a", 101*week, 102*week, "3"),
		late("a", 108*week, 102*week, "4"), late("b", 100*week, 102*week, "5"))
	plan := history.PrunePlan{Now: 110 * week, Trusted: 110 * week, Keep: []history.Keep{{Record: "a", Before: 105 * week}, {Record: "b", Before: 105 * week}}}
	preview, err := s.Preview(t.Context(), plan)
	if err != nil || preview.Rows != 4 {
		t.Errorf("%+v, %v", preview, err)
	}
	report, err := s.Prune(t.Context(), plan)
	if err != nil || report.Rows != 4 || report.FreedBytes == 0 {
		t.Errorf("%+v, %v", report, err)
	}
	same(t, everything(t, s), "a 60480000001 2")
	counted(t, s, dsn, 1)
	names := ask[[]string](t, dsn, `SELECT array_agg(c.relname::text ORDER BY 1) FROM pg_inherits i JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = 'record_history'::regclass`)
	if slices.Contains(names, "record_history_61084800000") || !slices.Contains(names, "record_history_60480000000") {
		t.Errorf("the partitions are %q", names)
	}
}

// TestScatteredEventTimes: values from anywhere do not make a partition each.
func TestScatteredEventTimes(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stop()
	now := 2900 * week
	random := rand.New(rand.NewPCG(1, 2))
	var entries []sinks.Entry
	for i := range int64(1500) {
		entries = append(entries, late("a", random.Int64N(14_000*week), now+i, "1"))
	}
	writeEntries(t, s, nil, entries[:700]...)
	writeEntries(t, s, nil, untimed(now), late("a", now-60*week, now, "1"), late("a", now+60*week, now, "1"))
	writeEntries(t, s, nil, entries[700:]...)
	counted(t, s, dsn, 1503)
	if n := ask[int](t, dsn, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'record_history'::regclass"); n > 400 {
		t.Errorf("there are %d partitions", n)
	}
	rows := everything(t, s)
	if !slices.IsSortedFunc(rows, func(a, b history.Row) int {
		if a.Point().Before(b.Point()) {
			return -1
		}
		return 1
	}) {
		t.Error("the rows are not in the order of their times")
	}
	plan := history.PrunePlan{Now: now + 20*week, Trusted: now + 20*week, Keep: []history.Keep{{Record: "a", Before: now + 10*week}}}
	report, err := s.Prune(t.Context(), plan)
	if err != nil || report.Rows != 1502 || report.FreedBytes == 0 {
		t.Errorf("%+v, %v", report, err)
	}
	counted(t, s, dsn, 1)
	writeEntries(t, s, nil, entries[:50]...) // into partitions that were dropped
	counted(t, s, dsn, 51)
}

func untimed(ms int64) sinks.Entry { return sinks.Entry{Record: "b", Time: ms, Value: []byte("1")} }

// TestEventTimesBeside: dead letters and imported rows keep both times, and their IDs say
// nothing about the order of storing.
func TestEventTimesBeside(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stop()
	refused := late("a", 7, 102*week, "70")
	refused.Sequence = 1
	writeEntries(t, s, []sinks.Refusal{{Entry: refused, Reason: "test"}}, late("a", 5, 103*week, "50"))
	letters := collectLetters(t, s)
	if len(letters) != 1 || letters[0].Event == nil || *letters[0].Event != 7 {
		t.Fatalf("the dead letters are %+v", letters)
	}
	if err := s.RetryDeadLetter(t.Context(), letters[0].ID); err != nil {
		t.Fatal(err)
	}
	from := func(yield func(history.Row, error) bool) {
		_ = yield(history.Row{Record: "a", Time: 9, Stored: 101 * week, Value: []byte("90")}, nil) &&
			yield(history.Row{Record: "a", Time: 5, Stored: 103 * week, Value: []byte("50")}, nil)
	}
	for _, want := range []int64{1, 0} {
		if report, err := s.Import(t.Context(), from); err != nil || report.Added != want {
			t.Errorf("%+v, %v; want %d rows added", report, err, want)
		}
	}
	got := collect(t, s.Range(t.Context(), history.RangeQuery{Pattern: all}))
	same(t, got, "a 5 50", "a 7 70", "a 9 90")
	for i, want := range []int64{103 * week, 102 * week, 101 * week} {
		if got[i].Stored != want {
			t.Errorf("row %d was written at %d, want %d", i, got[i].Stored, want)
		}
	}
	same(t, collect(t, s.Latest(t.Context(), history.LatestQuery{Pattern: all, Limit: 9, By: history.ByStoring})), "a 5 50", "a 7 70", "a 9 90")
	one := func(yield func(history.Row, error) bool) {
		yield(history.Row{Record: "a", Time: 11, Value: []byte("11")}, nil)
	}
	if report, err := s.Import(t.Context(), one); err != nil || report.Added != 1 {
		t.Errorf("a row with one time: %+v, %v", report, err)
	}
	if times, err := s.EventTimes(t.Context()); err != nil || times["a"] != (history.EventTimes{With: 4}) {
		t.Errorf("%+v, %v", times, err)
	}
	report, err := s.Prune(t.Context(), history.PrunePlan{Keep: []history.Keep{{Record: "a", Before: 102*week + 1}}})
	if err != nil || report.Rows != 2 {
		t.Errorf("%+v, %v", report, err)
	}
	counted(t, s, dsn, 2)
}
