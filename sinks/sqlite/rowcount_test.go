package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// foreign adds rows as upstream does, which knows nothing of our tables.
func foreign(t *testing.T, path, record string, rows int) {
	t.Helper()
	change(t, path, fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		INSERT INTO record_history(record_name, value_json, stored_at) SELECT '%s', '{"n":' || i || '}', i FROM n`, rows, record))
}

// counted checks that the counts are those of the rows.
func counted(t *testing.T, s *sqlite.Store, want int64) {
	t.Helper()
	stats, err := s.Stats(t.Context())
	if err != nil || stats.Rows != want {
		t.Errorf("the statistics count %d rows of %d, %v", stats.Rows, want, err)
	}
	reader, err := sqlite.OpenReadOnly(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	report, err := reader.Check(t.Context())
	if err != nil || len(report.Problems) > 0 || report.Rows != want {
		t.Errorf("check: %+v, %v", report, err)
	}
}

// Whenever another program writes to the file, and however much, its rows are
// counted, found and pruned as ours are.
func TestRowsOfAnotherProgramAreCounted(t *testing.T) {
	for _, many := range []int{5, 1500} {
		t.Run(fmt.Sprint(many), func(t *testing.T) {
			path := file(t)
			s, stop := startStop(t, path)
			write(t, s, batch(1, entry("ours", 1, "1")))
			stop()
			foreign(t, path, "before", many)
			s = start(t, path)
			counted(t, s, int64(1+many))
			foreign(t, path, "ours", many)
			write(t, s, batch(2, entry("ours", 2, "1")))
			foreign(t, path, "between", many)
			write(t, s, batch(3, entry("ours", 3, "1")))
			same(t, names(t, s, "*"), "before", "between", "ours")
			counted(t, s, int64(3+3*many))
			foreign(t, path, "last", many)
			all, err := s.Records(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			plan := history.PrunePlan{}
			for _, name := range all {
				plan.Keep = append(plan.Keep, history.Keep{Record: name, MaxRows: 3})
			}
			if _, err := s.Prune(t.Context(), plan); err != nil {
				t.Fatal(err)
			}
			counted(t, s, 12)
			if n := len(everything(t, s)); n != 12 {
				t.Errorf("%d rows are left, want 3 of each record", n)
			}
		})
	}
}

// names returns the records that a query finds.
func names(t *testing.T, s *sqlite.Store, text string) (all []string) {
	t.Helper()
	for row, err := range s.Latest(t.Context(), history.LatestQuery{Pattern: pattern(t, text), Limit: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, row.Record)
	}
	return all
}

func TestTwoSweepsAtOnceCountEachRowOnce(t *testing.T) {
	s := start(t, file(t))
	write(t, s, batch(1, numbered(700)...))
	beside := start(t, s.Path(), sqlite.Beside())
	gone := s.PruneWhile(t, "r1", func() {
		report, err := beside.Prune(t.Context(), history.PrunePlan{Keep: []history.Keep{{Record: "r1", MaxRows: 60}}})
		if err != nil || report.Rows != 40 {
			t.Errorf("%+v, %v", report, err)
		}
	})
	if gone != 60 {
		t.Errorf("the second one says that it deleted %d rows, want 60", gone)
	}
	counted(t, s, 600)
}

func TestRowsThatWereNeverCountedAreNotTakenOff(t *testing.T) {
	for _, many := range []int{5, 1500} {
		s := start(t, file(t))
		write(t, s, batch(1, entry("a", 1, "1"), entry("a", 2, "1")))
		foreign(t, s.Path(), "a", many)
		// Nobody has looked, so only our two rows are counted.
		s.PruneWhile(t, "a", func() {})
		counted(t, s, int64(max(0, 2+many-1000)))
		// Many are found by the next write, but not counted yet.
		foreign(t, s.Path(), "b", many)
		write(t, s, batch(3, entry("b", 1, "1")))
		s.PruneWhile(t, "b", func() {})
		counted(t, s, 2*int64(max(0, 2+many-1000))-int64(min(1, many/1000)))
	}
}

// TestCountsStayRight lets everybody add and delete rows in turns.
func TestCountsStayRight(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	path := file(t)
	s, stop := startStop(t, path)
	sequence := uint64(1)
	for step := range 40 {
		record := fmt.Sprint("r", random.IntN(4))
		beside := func(do func(*sqlite.Store) error) {
			other, end := startStop(t, path, sqlite.Beside())
			defer end()
			if err := do(other); err != nil {
				t.Fatal(err)
			}
		}
		keep := history.PrunePlan{Keep: []history.Keep{{Record: record, MaxRows: int64(1 + random.IntN(50))}}}
		switch random.IntN(6) {
		case 0:
			write(t, s, batch(sequence, entry(record, int64(step), "1"), entry("r0", int64(step), "22")))
			sequence += 2
		case 1:
			foreign(t, path, record, []int{3, 1500}[random.IntN(2)])
		case 2:
			beside(func(o *sqlite.Store) error {
				_, err := o.Import(t.Context(), each(history.Row{Record: record, Time: int64(1000 + step), Value: []byte("333")}))
				return err
			})
		case 3:
			beside(func(o *sqlite.Store) error { _, err := o.Prune(t.Context(), keep); return err })
		case 4:
			if _, err := s.Prune(t.Context(), keep); err != nil {
				t.Fatal(err)
			}
			if n := len(texts(t, s.Range(t.Context(), history.RangeQuery{Pattern: pattern(t, record)}))); n > int(keep.Keep[0].MaxRows) {
				t.Fatalf("step %d: %d rows of %s are left of at most %d", step, n, record, keep.Keep[0].MaxRows)
			}
		case 5:
			s.PruneWhile(t, record, func() {
				if random.IntN(2) == 0 {
					beside(func(o *sqlite.Store) error { _, err := o.Prune(t.Context(), keep); return err })
				}
			})
		}
		if step%15 == 14 {
			stop()
			s, stop = startStop(t, path)
		}
	}
	counted(t, s, int64(len(everything(t, s))))
}

func TestCheckPutsCountsRightAndSaysSo(t *testing.T) {
	s, stop := startStop(t, file(t))
	write(t, s, batch(1, numbered(700)...))
	stop()
	change(t, s.Path(), "UPDATE aimdb_record SET rows = rows + 100, bytes = bytes + 884 WHERE name = 'r2'", "UPDATE aimdb_record SET rows = rows - 4 WHERE name = 'r3'")
	reader, err := sqlite.OpenReadOnly(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if report, err := reader.Check(t.Context()); err != nil || len(report.Problems) != 2 || len(report.Repaired) != 0 {
		t.Errorf("reading: %+v, %v", report, err)
	}
	s = start(t, s.Path())
	report, err := s.Check(t.Context())
	want := []string{"the count of r2 is off by -100 rows and -884 bytes", "the count of r3 is off by +4 rows and +0 bytes"}
	if err != nil || len(report.Problems) > 0 || !slices.Equal(report.Repaired, want) {
		t.Errorf("writing: %+v, %v", report, err)
	}
	counted(t, s, 700)
}

// TestAFileOfVersion1Opens: its counts are taken over, and go on.
func TestAFileOfVersion1Opens(t *testing.T) {
	text, err := os.ReadFile("testdata/version1.sql")
	if err != nil {
		t.Fatal(err)
	}
	path := made(t, string(text))
	reader, err := sqlite.OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	want := everything(t, reader)
	if stats, err := reader.Stats(t.Context()); err != nil || stats.Rows != 4 {
		t.Errorf("reading: %+v, %v", stats, err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	s := start(t, path)
	same(t, everything(t, s), want...)
	counted(t, s, 4)
	if c, err := s.Checkpoint(t.Context()); err != nil || c.Sequence != 5 {
		t.Errorf("checkpoint %v, %v", c, err)
	}
	write(t, s, batch(6, entry("temp::vienna", 9, "1")))
	counted(t, s, 5)
}
