package sqlite_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func verify(t testing.TB, s *sqlite.Store) history.Verification {
	t.Helper()
	v, err := s.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// clean checks that nothing is wrong with a history, and how many rows it has and how
// many of them have no checksum.
func clean(t testing.TB, s *sqlite.Store, rows, unchecked int64) {
	t.Helper()
	v := verify(t, s)
	var gotRows, gotUnchecked int64
	for _, r := range v.Records {
		gotRows, gotUnchecked = gotRows+r.Rows, gotUnchecked+r.Unchecked
	}
	if len(v.Damaged)+len(v.Problems)+len(v.Holes) > 0 || gotRows != rows || gotUnchecked != unchecked {
		t.Fatalf("%d rows, %d unchecked, want %d and %d: %+v", gotRows, gotUnchecked, rows, unchecked, v)
	}
}

func readOnly(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Whatever another connection does to rows of this program is found, while the store is
// open and by a reader.
func TestVerifyFindsRowsThatChanged(t *testing.T) {
	for _, c := range []struct {
		statement string
		want      []history.DamagedRows
	}{
		{"UPDATE record_history SET value_json = '{\"n\":1}' WHERE id = 500", []history.DamagedRows{{From: 500, To: 500, Record: "r3"}}},
		{"UPDATE record_history SET stored_at = stored_at + 1 WHERE id BETWEEN 479 AND 482", []history.DamagedRows{{From: 479, To: 482, Record: "r3"}}},
		{"UPDATE record_history SET record_name = 'q' WHERE id = 1", []history.DamagedRows{{From: 1, To: 1, Record: "q"}}},
		{"UPDATE record_history SET value_json = CAST(value_json AS BLOB) WHERE id = 1", []history.DamagedRows{{From: 1, To: 1, Record: "r0"}}},
		{"DELETE FROM record_history WHERE id IN (3, 4, 7)", []history.DamagedRows{{From: 3, To: 4, Missing: true}, {From: 7, To: 7, Missing: true}}},
		{"DELETE FROM record_history WHERE id BETWEEN 100 AND 961", []history.DamagedRows{{From: 100, To: 961, Missing: true}}},
		{"DELETE FROM record_history", []history.DamagedRows{{From: 1, To: 1000, Missing: true}}},
	} {
		s := start(t, file(t))
		write(t, s, batch(1, numbered(1000)...))
		clean(t, s, 1000, 0)
		change(t, s.Path(), c.statement)
		for _, s := range []*sqlite.Store{s, readOnly(t, s.Path())} {
			if v := verify(t, s); !slices.Equal(v.Damaged, c.want) {
				t.Errorf("%s: %+v, want %+v", c.statement, v.Damaged, c.want)
			}
		}
		report, err := s.Check(t.Context())
		if err != nil || len(report.Problems) != 1 || !strings.Contains(report.Problems[0], "aimdb verify") {
			t.Errorf("%s: check says %+v, %v", c.statement, report, err)
		}
		if v := verify(t, s); !slices.Equal(v.Damaged, c.want) {
			t.Errorf("%s: after check: %+v, want %+v", c.statement, v.Damaged, c.want)
		}
	}
}

// SQLite's own check does not find a bit that flips in a value.
func TestVerifyFindsAFlippedBit(t *testing.T) {
	path := file(t)
	s, stop := startStop(t, path)
	write(t, s, batch(1, numbered(1000)...))
	write(t, s, batch(1001, entry("flipped", 5, `"needle in the file"`)))
	stop()
	flip(t, path, []byte("needle in"), 3)
	if err := sqlite.Verify(t.Context(), path); err != nil {
		t.Errorf("the structure: %v", err)
	}
	v := verify(t, readOnly(t, path))
	if want := []history.DamagedRows{{From: 1001, To: 1001, Record: "flipped"}}; !slices.Equal(v.Damaged, want) || len(v.Problems) > 0 {
		t.Errorf("%+v, want %+v", v, want)
	}
}

// flip flips a bit of the first byte of a text in a file.
func flip(t *testing.T, path string, text []byte, bit int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Count(data, text) != 1 {
		t.Fatalf("the file has %q %d times", text, bytes.Count(data, text))
	}
	data[bytes.Index(data, text)] ^= 1 << bit
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Sums that are damaged themselves are no damage of rows.
func TestDamagedChecksumsAreNoDamagedRows(t *testing.T) {
	s := start(t, file(t))
	write(t, s, batch(1, numbered(700)...))
	change(t, s.Path(), "UPDATE aimdb_checksum SET sums = CAST(X'01020304' || substr(sums, 5) AS BLOB) WHERE chunk = 0")
	write(t, s, batch(701, numbered(300)...))
	v := verify(t, s)
	if len(v.Damaged) > 0 || len(v.Problems) != 1 || !strings.Contains(v.Problems[0], "rows 1 to 480") {
		t.Errorf("%+v", v)
	}
	if done, err := s.Repair(t.Context(), noLog(t)); err != nil || done != (history.Repaired{}) {
		t.Errorf("repair: %+v, %v", done, err)
	}
	clean(t, s, 1000, 0)
}

// Whoever writes, imports, prunes, copies or restarts, nothing looks damaged.
func TestVerifyStaysClean(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	path := file(t)
	s, stop := startStop(t, path)
	sequence, theirs := uint64(1), int64(0)
	for step := range 60 {
		record := fmt.Sprint("r", random.IntN(7))
		beside := func(do func(*sqlite.Store) error) {
			other, end := startStop(t, path, sqlite.Beside())
			defer end()
			if err := do(other); err != nil {
				t.Fatal(err)
			}
		}
		keep := history.PrunePlan{Keep: []history.Keep{{Record: record, MaxRows: int64(1 + random.IntN(400))}}}
		switch random.IntN(8) {
		case 0, 1:
			n := []int{1, 3, 700, 2000}[random.IntN(4)]
			write(t, s, batch(sequence, numbered(n)...))
			sequence += uint64(n)
		case 2:
			foreign(t, path, "theirs", 5)
			theirs += 5
		case 3:
			beside(func(o *sqlite.Store) error {
				_, err := o.Import(t.Context(), each(history.Row{Record: record, Time: int64(1e6 + step), Value: []byte("333")}))
				return err
			})
		case 4: // sparse
			if _, err := s.Prune(t.Context(), keep); err != nil {
				t.Fatal(err)
			}
		case 5: // dense
			for i := range 7 {
				keep.Keep = append(keep.Keep, history.Keep{Record: fmt.Sprint("r", i), Before: int64(random.IntN(1000))})
			}
			if _, err := s.Prune(t.Context(), keep); err != nil {
				t.Fatal(err)
			}
		case 6:
			s.PruneWhile(t, record, func() {
				if random.IntN(2) == 0 {
					beside(func(o *sqlite.Store) error { _, err := o.Prune(t.Context(), keep); return err })
				}
			})
		case 7:
			stop()
			if random.IntN(2) == 0 {
				if _, err := sqlite.Compact(t.Context(), path); err != nil {
					t.Fatal(err)
				}
			}
			s, stop = startStop(t, path)
		}
		clean(t, s, int64(len(everything(t, s))), theirs)
	}
	rows := int64(len(everything(t, s)))
	copied, restored := filepath.Join(t.TempDir(), "copy.db"), file(t)
	if err := s.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Restore(t.Context(), copied, restored); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{copied, restored} {
		clean(t, readOnly(t, path), rows, theirs)
	}
	if report, err := s.Check(t.Context()); err != nil || len(report.Problems) > 0 || (len(report.Repaired) > 0) != (theirs > 0) {
		t.Errorf("check: %+v, %v", report, err)
	}
	clean(t, s, rows, 0)
	if _, err := s.Prune(t.Context(), history.PrunePlan{Keep: all(t, s, history.Keep{Before: 1e12})}); err != nil {
		t.Fatal(err)
	}
	clean(t, s, 0, 0)
	if n := cell(t, path, "SELECT count(*) FROM aimdb_checksum"); n != "0" {
		t.Errorf("%s chunks are left without rows", n)
	}
}

// all returns a limit for each record.
func all(t *testing.T, s *sqlite.Store, k history.Keep) (keep []history.Keep) {
	t.Helper()
	records, err := s.Records(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k.Record = range records {
		keep = append(keep, k)
	}
	return keep
}

// A row that vanished among rows that are pruned does not vanish without a word.
func TestPruningHidesNoDamage(t *testing.T) {
	s := start(t, file(t))
	write(t, s, batch(1, numbered(1000)...))
	change(t, s.Path(), "DELETE FROM record_history WHERE id = 240")
	var keep []history.Keep
	for i := range 7 {
		keep = append(keep, history.Keep{Record: fmt.Sprint("r", i), Before: 1e6})
	}
	if _, err := s.Prune(t.Context(), history.PrunePlan{Keep: keep}); err != nil {
		t.Fatal(err)
	}
	if v := verify(t, s); !slices.Equal(v.Damaged, []history.DamagedRows{{From: 240, To: 240, Missing: true}}) {
		t.Errorf("%+v", v)
	}
}

func TestRowsOfOthersAreUnchecked(t *testing.T) {
	for name, path := range map[string]string{"upstream": upstream(t), "version 2": fixture(t, 2), "version 3": fixture(t, 3)} {
		reader := readOnly(t, path)
		rows := int64(len(everything(t, reader)))
		if v := verify(t, reader); len(v.Damaged)+len(v.Problems)+len(v.Holes) > 0 || len(v.Records) == 0 {
			t.Errorf("%s, reading: %+v", name, v)
		}
		s := start(t, path)
		if v := verify(t, s); len(v.Damaged)+len(v.Problems) > 0 {
			t.Errorf("%s: %+v", name, v)
		}
		write(t, s, batch(1000, entry("ours", 1, "1")))
		clean(t, s, rows+1, rows)
		if _, err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		clean(t, s, rows+1, 0)
		change(t, path, "UPDATE record_history SET stored_at = 4 WHERE id = 2")
		if v := verify(t, s); len(v.Damaged) != 1 {
			t.Errorf("%s, with checksums: %+v", name, v)
		}
	}
}

func fixture(t testing.TB, version int) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("testdata/version%d.sql", version))
	if err != nil {
		t.Fatal(err)
	}
	return made(t, string(text))
}

// TestAFileOfVersion3Opens: its checkpoint is stored twice.
func TestAFileOfVersion3Opens(t *testing.T) {
	path := fixture(t, 3)
	want := everything(t, readOnly(t, path))
	if p, err := readOnly(t, path).Position(t.Context()); err != nil || p.Log != "log" || p.Sequence != 6 {
		t.Errorf("reading: %+v, %v", p, err)
	}
	s, stop := startStop(t, path)
	same(t, everything(t, s), want...)
	counted(t, s, 6)
	at := history.Position{Log: "log", Sequence: 6, Message: history.Fingerprint{Time: 1795595191248000000, Hash: 1<<63 + 8}}
	if c, err := s.Checkpoint(t.Context()); err != nil || c != at {
		t.Errorf("checkpoint %v, %v, want %v", c, err, at)
	}
	stop()
	change(t, path, "UPDATE aimdb_checkpoint SET sequence = 7")
	if c, err := start(t, path).Checkpoint(t.Context()); err != nil || c != at {
		t.Errorf("with a damaged checkpoint: %v, %v, want %v", c, err, at)
	}
}
