package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

type reading = func(ctx context.Context, from, to uint64) iter.Seq2[history.Row, error]

// logOf reads a log that holds entries, except for some sequences.
func logOf(entries []sinks.Entry, gone ...uint64) reading {
	return func(_ context.Context, from, to uint64) iter.Seq2[history.Row, error] {
		return func(yield func(history.Row, error) bool) {
			for _, e := range entries {
				if e.Sequence < from || e.Sequence > to || slices.Contains(gone, e.Sequence) {
					continue
				}
				value := slices.Clone(e.Value)
				if !yield(history.Row{Record: e.Record, Time: e.Time, Value: value}, nil) {
					return
				}
				clear(value) // it is valid until the next one
			}
		}
	}
}

// noLog fails the test if the log is read.
func noLog(t *testing.T) reading {
	return func(context.Context, uint64, uint64) iter.Seq2[history.Row, error] {
		t.Error("the log was read")
		return func(func(history.Row, error) bool) {}
	}
}

func TestRepairRestoresWhatTheLogHolds(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := start(t, path)
	entries := numbered(2000)
	write(t, s, batch(1, entries[:1000]...))
	write(t, s, batch(1001, entries[1000:]...))
	for i := range entries {
		entries[i].Sequence = uint64(i + 1)
	}
	want := everything(t, s)
	for _, statement := range []string{
		"DELETE FROM record_history WHERE id BETWEEN 300 AND 900",
		"DELETE FROM record_history WHERE record_name = 'r2'",
		"UPDATE record_history SET value_json = replace(value_json, 'n', 'm') WHERE id % 7 = 0",
		"UPDATE record_history SET record_name = 'elsewhere' WHERE id BETWEEN 470 AND 490",
		"UPDATE record_history SET value_json = CAST(value_json AS BLOB), stored_at = 'yesterday' WHERE id = 1100",
		"DELETE FROM record_history",
	} {
		change(t, path, statement)
		damaged := int64(0)
		for _, d := range verify(t, s).Damaged {
			damaged += d.To - d.From + 1
		}
		done, err := s.Repair(t.Context(), logOf(entries))
		if err != nil || damaged == 0 || done != (history.Repaired{Restored: damaged}) {
			t.Errorf("%s: %+v of %d, %v", statement, done, damaged, err)
		}
		clean(t, s, 2000, 0)
		same(t, everything(t, s), want...)
		counted(t, s, 2000)
	}
	if done, err := s.Repair(t.Context(), noLog(t)); err != nil || done != (history.Repaired{}) {
		t.Errorf("of nothing: %+v, %v", done, err)
	}
}

func TestRepairCountsWhatTheLogDoesNotHold(t *testing.T) {
	s := start(t, file(t))
	b := batch(1, entry("a", 1, "1"), entry("a", 2, "2"), entry("a", 3, "3"), entry("b", 4, "4"), entry("b", 5, "5"))
	write(t, s, b)
	change(t, s.Path(), "DELETE FROM record_history WHERE id IN (1, 2)", "UPDATE record_history SET value_json = '9' WHERE id IN (3, 4, 5)")
	failing := errors.New("the log is away")
	if _, err := s.Repair(t.Context(), func(context.Context, uint64, uint64) iter.Seq2[history.Row, error] {
		return func(yield func(history.Row, error) bool) { yield(history.Row{}, failing) }
	}); !errors.Is(err, failing) {
		t.Errorf("with no log: %v", err)
	}
	if v := verify(t, s); len(v.Damaged) == 0 {
		t.Fatal("rows were given up although the log was only away")
	}
	done, err := s.Repair(t.Context(), logOf(b.Entries, 1, 2, 3, 4))
	if err != nil || done != (history.Repaired{Restored: 1, Lost: 4}) {
		t.Errorf("%+v, %v", done, err)
	}
	clean(t, s, 1, 0)
	same(t, everything(t, s), "b 5 5")
	counted(t, s, 1)
	var letters []string
	for r, err := range s.DeadLetters(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		letters = append(letters, fmt.Sprint(r.Record, " ", r.Time, " ", string(r.Value)))
		if !strings.Contains(r.Reason, "checksum") {
			t.Errorf("reason %q", r.Reason)
		}
	}
	same(t, letters, "a 3 9", "b 4 9")
	var losses []loss.Loss
	for l, err := range s.Losses(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		losses = append(losses, l)
	}
	if want := []loss.Loss{
		{Cause: loss.HistoryDamaged, Count: 2, From: 1, To: 2},
		{Record: "a", Cause: loss.HistoryDamaged, Count: 1, From: 3, To: 3},
		{Record: "b", Cause: loss.HistoryDamaged, Count: 1, From: 4, To: 4},
	}; !slices.Equal(losses, want) {
		t.Errorf("losses %+v, want %+v", losses, want)
	}
	write(t, s, batch(6, entry("a", 6, "6")))
	clean(t, s, 2, 0)
	if _, err := readOnly(t, s.Path()).Repair(t.Context(), noLog(t)); !errors.Is(err, sqlite.ErrReadOnly) {
		t.Errorf("read-only: %v", err)
	}
}

// A chunk with more values than fit into memory is restored in parts.
func TestRepairHoldsABoundedPartOfTheLog(t *testing.T) {
	t.Parallel()
	s := start(t, file(t))
	var entries []sinks.Entry
	for i := range 400 {
		entries = append(entries, entry("a", int64(i), `"`+strings.Repeat(string(rune('a'+i%26)), 100_000)+`"`))
	}
	write(t, s, batch(1, entries...))
	change(t, s.Path(), "DELETE FROM record_history")
	reads, all := 0, logOf(entries)
	done, err := s.Repair(t.Context(), func(ctx context.Context, from, to uint64) iter.Seq2[history.Row, error] {
		reads++
		return all(ctx, from, to)
	})
	if err != nil || done.Restored != 400 || reads != 3 {
		t.Errorf("%+v in %d reads, %v", done, reads, err)
	}
	clean(t, s, 400, 0)
}

// Of two values with one checksum neither is taken for the other.
func TestRepairTakesNoValueThatIsNotSure(t *testing.T) {
	first, second := "", ""
	seen := map[uint32]string{}
	for i := 0; second == ""; i++ {
		text := fmt.Sprintf("%016x", uint64(i+1)*0x9e3779b97f4a7c15)
		sum := crc32.ChecksumIEEE([]byte(text)) // what is before it does not matter
		if other, have := seen[sum]; have {
			first, second = other, text
		}
		seen[sum] = text
	}
	s := start(t, file(t))
	b := batch(1, entry("a", 1, `"`+first+`"`), entry("a", 1, `"`+second+`"`))
	write(t, s, b)
	change(t, s.Path(), "DELETE FROM record_history WHERE id = 1")
	if done, err := s.Repair(t.Context(), logOf(b.Entries)); err != nil || done != (history.Repaired{Lost: 1}) {
		t.Errorf("%+v, %v", done, err)
	}
}

// A row whose name changed in the table but not in the index is repaired like others.
func TestRepairOfARowThatItsIndexDoesNotKnow(t *testing.T) {
	path := file(t)
	s, stop := startStop(t, path)
	b := batch(1, entry("a", 1, "1"), entry("needle", 2, "2"), entry("z", 3, "3"))
	write(t, s, b)
	stop()
	flip(t, path, []byte("needle\x32"), 0) // the name and the value, as the table has them
	s = start(t, path)
	v := verify(t, s)
	if len(v.Damaged) != 1 || len(v.Problems) == 0 {
		t.Errorf("%+v", v)
	}
	if done, err := s.Repair(t.Context(), logOf(b.Entries)); err != nil || done != (history.Repaired{Restored: 1}) {
		t.Errorf("%+v, %v", done, err)
	}
	clean(t, s, 3, 0)
	same(t, texts(t, s.Latest(t.Context(), history.LatestQuery{Pattern: pattern(t, "needle"), Limit: 1})), "needle 2 2")
}

// A sweep that meets such a row makes the index again, and does not take the file for
// damaged: it deletes what is to go and nothing else.
func TestPruneOfARowThatItsIndexDoesNotKnow(t *testing.T) {
	path := file(t)
	s, stop := startStop(t, path)
	write(t, s, batch(1, entry("a", 1, "1"), entry("needle", 2, "2"), entry("z", 30, "3")))
	stop()
	flip(t, path, []byte("needle\x32"), 0)
	s = start(t, path)
	report, err := s.Prune(t.Context(), history.PrunePlan{Keep: all(t, s, history.Keep{Before: 10})})
	if err != nil || report.Rows != 2 {
		t.Errorf("%+v, %v", report, err)
	}
	same(t, texts(t, s.Latest(t.Context(), history.LatestQuery{Pattern: pattern(t, "#"), Limit: 5})), "z 30 3")
}
