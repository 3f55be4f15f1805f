package sqlite_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	lib "modernc.org/sqlite/lib"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// TestPowerLoss records all that reaches the disk while a history is written
// and pruned, and then looks at what losing power at any moment would leave:
// everything that Write had promised must be there, and nothing else.
func TestPowerLoss(t *testing.T) {
	t.Parallel()
	r := record(t, "recorder-power")
	s, stop := startStop(t, filepath.Join(t.TempDir(), "history.db"), sqlite.VFS("recorder-power"))
	const batches, size = 40, 60
	for i := range batches {
		write(t, s, batch(uint64(i*size+1), numberedFrom(i*size, size)...))
		r.mark((i + 1) * size)
		if i%8 == 7 { // prunes the lower half of what there is of one record
			plan := history.PrunePlan{Keep: []history.Keep{{Record: "r3", Before: int64(i * size / 2)}}}
			if _, err := s.Prune(t.Context(), plan); err != nil {
				t.Fatal(err)
			}
		}
	}
	total := r.length()
	stop()
	seed := rand.Uint64()
	t.Logf("seed %d, %d operations", seed, total)
	random := rand.New(rand.NewPCG(seed, 1))
	rounds := 40
	if testing.Short() {
		rounds = 15
	}
	for round := range 2 * rounds {
		n := 1 + random.IntN(total)
		if round < rounds { // the first start is a part of its own
			n = 1 + random.IntN(60)
		}
		files, promised := r.cut(n, random)
		afterPowerLoss(t, files, promised)
	}
}

func numberedFrom(first, n int) []sinks.Entry { return numbered(first + n)[first:] }

// afterPowerLoss opens what is left. Rows are numbered by their times, and r3
// may have been pruned from its beginning.
func afterPowerLoss(t *testing.T, files map[string][]byte, promised int) {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, stop := startStop(t, filepath.Join(dir, "history.db"), sqlite.Strict())
	defer stop()
	report, err := s.Check(t.Context())
	if err != nil || len(report.Problems) > 0 {
		t.Fatalf("check: %+v, %v", report, err)
	}
	c, err := s.Checkpoint(t.Context())
	if err != nil || c.Sequence < uint64(promised) {
		t.Fatalf("checkpoint %+v, promised %d, %v", c, promised, err)
	}
	has := map[int64]bool{}
	for row, err := range s.Rows(t.Context(), key.WirePattern("#"), history.Window{}, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if has[row.Time] || row.Time >= int64(c.Sequence) {
			t.Fatalf("row %d is there twice or above the checkpoint %d", row.Time, c.Sequence)
		}
		has[row.Time] = true
	}
	begun := false
	for n := range int64(c.Sequence) {
		begun = begun || n%7 == 3 && has[n]
		if !has[n] && (n%7 != 3 || begun) {
			t.Fatalf("row %d of %d is missing", n, c.Sequence)
		}
	}
}

// TestWriteErrors lets the disk fail at one write after the other: each time
// the batch is there as a whole or not at all, and comes through when it is
// tried again.
func TestWriteErrors(t *testing.T) {
	for _, code := range []int32{lib.SQLITE_FULL, lib.SQLITE_IOERR_WRITE} {
		r := record(t, "recorder-errors")
		s, stop := startStop(t, filepath.Join(t.TempDir(), "history.db"), sqlite.VFS("recorder-errors"))
		write(t, s, batch(1, numberedFrom(0, 100)...))
		next, failed := 100, 0
		for nth := 1; nth <= 12; nth++ {
			left := nth
			r.setFault(func() int32 {
				if left--; left == 0 {
					return code
				}
				return lib.SQLITE_OK
			})
			b := batch(uint64(next+1), numberedFrom(next, 200)...)
			if err := s.Write(t.Context(), b); err != nil {
				if failed++; sinks.Refused(err) {
					t.Fatalf("a disk that fails became a refusal: %v", err)
				}
			}
			r.setFault(nil)
			write(t, s, b)
			next += 200
		}
		if failed == 0 {
			t.Error("no write failed")
		}
		if rows := everything(t, s); len(rows) != next {
			t.Errorf("%d rows, want %d", len(rows), next)
		}
		report, err := s.Check(t.Context())
		if err != nil || len(report.Problems) > 0 {
			t.Errorf("check: %+v, %v", report, err)
		}
		stop()
	}
}

// A file or file system that becomes read-only while it is open, as a failing
// disk does, is an outage that is named; readers go on, and so does everything
// when it can be written to again.
func TestAFileThatTurnsReadOnlyIsAnOutage(t *testing.T) {
	r := record(t, "recorder-read-only")
	s := start(t, filepath.Join(t.TempDir(), "history.db"), sqlite.VFS("recorder-read-only"))
	write(t, s, batch(1, entry("a", 1, "1")))
	r.setFault(func() int32 { return lib.SQLITE_READONLY })
	for range 3 {
		outage(t, s, batch(2, entry("a", 2, "2")), "has become read-only")
	}
	_, err := s.Prune(t.Context(), history.PrunePlan{Keep: []history.Keep{{Record: "a", Before: 5}}})
	if err == nil || !strings.Contains(err.Error(), "has become read-only") {
		t.Errorf("prune: %v", err)
	}
	same(t, everything(t, s), "a 1 1")
	r.setFault(nil)
	write(t, s, batch(2, entry("a", 2, "2")))
	same(t, everything(t, s), "a 1 1", "a 2 2")
	if report, err := s.Check(t.Context()); err != nil || len(report.Problems) > 0 {
		t.Errorf("check: %+v, %v", report, err)
	}
}
