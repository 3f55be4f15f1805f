package sqlite_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func everything(t testing.TB, s *sqlite.Store) []string {
	t.Helper()
	return texts(t, s.Rows(t.Context(), pattern(t, "#"), history.Window{}, 0))
}

func numbered(n int) []sinks.Entry {
	all := make([]sinks.Entry, n)
	for i := range all {
		all[i] = entry(fmt.Sprint("r", i%7), int64(i), fmt.Sprintf(`{"n":%d}`, i))
	}
	return all
}

func TestBackupHoldsEverythingWhileWritesGoOn(t *testing.T) {
	s := start(t, file(t))
	write(t, s, batch(1, numbered(5000)...))
	want := everything(t, s)
	to := filepath.Join(t.TempDir(), "copy.db")
	if err := s.Backup(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), to); err == nil {
		t.Error("a backup replaced a file")
	}
	restored := start(t, to)
	same(t, everything(t, restored), want...)
	if restored.Identity() != s.Identity() {
		t.Error("the copy has another identity")
	}
	report, err := restored.Check(t.Context())
	if err != nil || len(report.Problems) > 0 || report.Rows != 5000 {
		t.Errorf("check: %+v, %v", report, err)
	}
}

// TestBackupWhileWritesReallyGoOn: the copy is the history of one moment, with its
// checkpoint and counts, and its one file is all there is to restore.
func TestBackupWhileWritesReallyGoOn(t *testing.T) {
	const base, each = 5000, 3
	s := start(t, file(t))
	write(t, s, batch(1, numbered(base)...))
	var written atomic.Int64
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			n := written.Load()
			b := batch(uint64(base+n+1), entry("live", base+n, fmt.Sprint(n+1)), entry("live", base+n, fmt.Sprint(n+2)), entry("live", base+n, fmt.Sprint(n+3)))
			if err := s.Write(context.WithoutCancel(ctx), b); err != nil {
				ended <- err
				return
			}
			written.Add(each)
		}
		ended <- nil
	}()
	var to string
	var before, after int64
	for try := 0; before == after; try++ { // until writes were committed meanwhile
		to = filepath.Join(t.TempDir(), "copy.db")
		before = written.Load()
		if err := s.Backup(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		if after = written.Load(); try == 100 {
			t.Fatal("no write was committed during a hundred backups")
		}
	}
	end()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	copied, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	path := file(t)
	if err := os.WriteFile(path, copied, 0o600); err != nil {
		t.Fatal(err)
	}
	restored := start(t, path)
	rows := texts(t, restored.Rows(t.Context(), pattern(t, "live"), history.Window{}, 0))
	n := int64(len(rows))
	if n%each != 0 || n < before || n > after+each {
		t.Errorf("the copy has %d rows of what was written, which were %d before and %d after it", n, before, after)
	}
	for i, row := range rows {
		if !strings.HasSuffix(row, fmt.Sprint(" ", i+1)) {
			t.Fatalf("row %d is %s", i, row)
		}
	}
	if c, err := restored.Checkpoint(t.Context()); err != nil || c.Sequence != uint64(base+n) {
		t.Errorf("checkpoint %v, %v, with %d rows", c, err, base+n)
	}
	counted(t, restored, base+n)
}

func TestImportTwiceAddsOnce(t *testing.T) {
	from := start(t, file(t))
	write(t, from, batch(1, append(numbered(600), entry("r0", 700, "1"), entry("r0", 700, "1"))...))
	to := start(t, file(t))
	for round, want := range []history.ImportReport{{Added: 602}, {Skipped: 602}} {
		report, err := to.Import(t.Context(), from.Rows(t.Context(), pattern(t, "#"), history.Window{}, 0))
		if err != nil || report != want {
			t.Errorf("round %d: %+v, %v", round, report, err)
		}
	}
	same(t, everything(t, to), everything(t, from)...)
}

// White space is not part of a value, but everything else is.
func TestImportFindsValuesWithOtherWhiteSpace(t *testing.T) {
	values := []string{
		"{\n  \"a\": [1, 2.50, 1E+2, -0.0],\r\n\t\"b\" : \"\\u00e9 \\/ \\n é  \"\n}",
		`{"a":{"a":1,"a":2}}`, "[ ]", "\"a  b\"", "1.0", "1", "1e0", "true",
		"{\"a\": 1}", "{\"a\":1}", "{ \"a\":1 }", "12345678901234567890123",
	}
	s := start(t, file(t))
	var entries []sinks.Entry
	var rows []history.Row
	for _, value := range values {
		entries = append(entries, entry("a", 7, value))
		var one bytes.Buffer
		if err := json.Compact(&one, []byte(value)); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, history.Row{Record: "a", Time: 7, Value: one.Bytes()})
	}
	write(t, s, batch(1, entries...))
	report, err := s.Import(t.Context(), each(rows...))
	if want := (history.ImportReport{Skipped: int64(len(values))}); err != nil || report != want {
		t.Errorf("%+v, %v", report, err)
	}
	report, err = s.Import(t.Context(), each(history.Row{Record: "a", Time: 7, Value: []byte(`"a b"`)}))
	if err != nil || report.Added != 1 {
		t.Errorf("another value: %+v, %v", report, err)
	}
}

func TestImportRefusesWhatIsNotARow(t *testing.T) {
	s := start(t, file(t))
	for _, row := range []history.Row{{Record: "a b", Value: []byte("1")}, {Record: "a", Value: []byte("{")}} {
		_, err := s.Import(t.Context(), func(yield func(history.Row, error) bool) { yield(row, nil) })
		if err == nil {
			t.Errorf("row %v was imported", row)
		}
	}
}

func TestCompactRefusesAFileInUse(t *testing.T) {
	path := file(t)
	s, stop := startStop(t, path)
	write(t, s, batch(1, numbered(5000)...))
	if _, err := sqlite.Compact(t.Context(), path, sqlite.BusyTimeout(0)); err == nil {
		t.Error("compacted a file in use")
	}
	want := everything(t, s)
	stop()
	if _, err := sqlite.Compact(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	same(t, everything(t, start(t, path)), want...)
}
