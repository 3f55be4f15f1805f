package sqlite_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	osexec "os/exec"
	"slices"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// rewriterFile is the variable that makes TestRewriter rewrite a file.
const rewriterFile = "AIMDB_SQLITE_REWRITE"

// doubled is the shape 1 of a number, which is twice as large. Every 1000th has none.
func doubled(row history.Row) (json.RawMessage, int, error) {
	var n int
	if err := json.Unmarshal(row.Value, &n); err != nil || row.Shape == 1 {
		return nil, row.Shape, err
	}
	if n%1000 == 999 {
		return nil, 0, errors.New("it has no double")
	}
	return fmt.Appendf(nil, "%d", 2*n), 1, nil
}

// TestRewriter is the process that TestKilledRewrite kills.
func TestRewriter(t *testing.T) {
	path := os.Getenv(rewriterFile)
	if path == "" {
		t.Skip("it is run by TestKilledRewrite")
	}
	s := start(t, path)
	err := s.Rewrite(t.Context(), func(row history.Row) (json.RawMessage, int, error) {
		if row.ID%256 == 0 {
			time.Sleep(time.Millisecond) // so that it can be killed half way
		}
		return doubled(row)
	}, func(rows int) { fmt.Println("rewritten", rows) })
	if err != nil {
		t.Fatal(err)
	}
}

// A rewrite that is killed leaves each row whole, in one shape or the other, and has the
// same result when it is run again.
func TestKilledRewrite(t *testing.T) {
	const rows = 20_000
	path := file(t)
	s, stop := startStop(t, path)
	for from := 1; from <= rows; from += 1000 {
		var entries []sinks.Entry
		for n := from; n < from+1000; n++ {
			entries = append(entries, sinks.Entry{Sequence: uint64(n), Record: fmt.Sprint("r", n%2), Time: int64(n), Value: fmt.Append(nil, n)})
		}
		write(t, s, batch(uint64(from), entries...))
	}
	stop()
	for kills := 1; kills <= 3; kills++ {
		cmd := osexec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRewriter$")
		cmd.Env = append(os.Environ(), rewriterFile+"="+path)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for n := 0; n < 2*kills && lines.Scan(); n++ {
		}
		must(t, cmd.Process.Kill())
		_ = cmd.Wait() // it was killed
		s, stop := startStop(t, path)
		doubles := 0
		for i, row := range rowsWithShapes(t, s) {
			n := i + 1
			switch text := string(row.Value); {
			case row.Shape == 1 && text == fmt.Sprint(2*n):
				doubles++
			case row.Shape != 0 || text != fmt.Sprint(n):
				t.Fatalf("after kill %d row %d is %s in the shape %d", kills, n, text, row.Shape)
			}
		}
		if doubles == 0 {
			t.Errorf("kill %d came before the first row was rewritten", kills)
		}
		if v := verify(t, s); len(v.Damaged)+len(v.Problems) > 0 {
			t.Errorf("after kill %d: %+v", kills, v)
		}
		stop()
	}
	s = start(t, path)
	must(t, s.Rewrite(t.Context(), doubled, func(int) {}))
	for i, row := range rowsWithShapes(t, s) {
		if n := i + 1; n%1000 == 999 && row.Shape != 0 || n%1000 != 999 && (row.Shape != 1 || string(row.Value) != fmt.Sprint(2*n)) {
			t.Fatalf("row %d is %s in the shape %d", n, row.Value, row.Shape)
		}
	}
	if v := verify(t, s); len(v.Damaged)+len(v.Problems) > 0 {
		t.Errorf("%+v", v)
	}
	counted(t, s, rows)
}

// Rows of other programs have version 0, before and after the next commit of this one.
func TestRowsOfOthersHaveVersion0(t *testing.T) {
	path := file(t)
	s := start(t, path)
	of := func(n int) sinks.Entry {
		e := entry("a", int64(n), fmt.Sprint(n))
		e.Shape = 2
		return e
	}
	shapes := func() (all []int) {
		for _, row := range rowsWithShapes(t, s) {
			all = append(all, row.Shape)
		}
		return all
	}
	write(t, s, batch(1, of(1)))
	db := another(t, path)
	if _, err := db.ExecContext(t.Context(), "INSERT INTO record_history(record_name, value_json, stored_at) VALUES ('a', '2', 2), ('b', '2', 3)"); err != nil {
		t.Fatal(err)
	}
	if got := shapes(); !slices.Equal(got, []int{2, 0, 0}) {
		t.Errorf("before the next commit: %v", got)
	}
	write(t, s, batch(2, of(4)))
	if got := shapes(); !slices.Equal(got, []int{2, 0, 0, 2}) {
		t.Errorf("after it: %v", got)
	}
	// Another process of this program adds rows of its own shape.
	beside, err := sqlite.Open(path, sqlite.Beside())
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- beside.Run(ctx) }()
	_, err = beside.Import(t.Context(), func(yield func(history.Row, error) bool) {
		yield(history.Row{Record: "a", Time: 5, Value: []byte("5"), Shape: 7}, nil)
	})
	must(t, err)
	cancel()
	must(t, errors.Join(<-ended, beside.Close()))
	write(t, s, batch(3, of(6), entry("b", 7, "7")))
	if got := shapes(); !slices.Equal(got, []int{2, 0, 0, 2, 7, 2, 0}) {
		t.Errorf("after an import: %v", got)
	}
}

// Rows that another program adds while rows are rewritten keep version 0, and so do those
// that a repair finds before the next commit.
func TestRowsOfOthersDuringARewrite(t *testing.T) {
	path := file(t)
	s := start(t, path)
	of := func(n int) sinks.Entry {
		e := entry("a", int64(n), fmt.Sprint(n))
		e.Shape = 1
		return e
	}
	want := func(when, want string) {
		t.Helper()
		var all []int
		for _, row := range rowsWithShapes(t, s) {
			all = append(all, row.Shape)
		}
		if fmt.Sprint(all) != want {
			t.Errorf("%s the shapes are %v, want %s", when, all, want)
		}
	}
	write(t, s, batch(1, of(1)))
	db := another(t, path)
	exec(t, db, "INSERT INTO record_history(record_name, value_json, stored_at) VALUES ('a', '2', 2)")
	if shapes, err := s.Shapes(t.Context(), "a"); err != nil || fmt.Sprint(shapes) != "[0 1]" {
		t.Errorf("with a row of another program the shapes are %v, %v", shapes, err)
	}
	must(t, s.Rewrite(t.Context(), func(row history.Row) (json.RawMessage, int, error) {
		if row.ID == 1 {
			exec(t, db, "INSERT INTO record_history(record_name, value_json, stored_at) VALUES ('a', '3', 3)")
		}
		return row.Value, 2, nil
	}, func(int) {}))
	want("after the rewrite", "[2 2 0]")
	write(t, s, batch(2, of(4)))
	want("after the next batch", "[2 2 0 1]")
	exec(t, db, "DELETE FROM record_history WHERE id = 1")
	_, err := s.Repair(t.Context(), func(ctx context.Context, from, to uint64) iter.Seq2[history.Row, error] {
		exec(t, db, "INSERT INTO record_history(record_name, value_json, stored_at) VALUES ('a', '5', 5)")
		return logOf(nil)(ctx, from, to)
	})
	must(t, err)
	want("after a repair", "[2 0 1 0]")
}

func rowsWithShapes(t *testing.T, s *sqlite.Store) (all []history.Row) {
	t.Helper()
	for row, err := range s.Range(t.Context(), history.RangeQuery{Pattern: key.WirePattern("#")}) {
		must(t, err)
		all = append(all, row)
	}
	return all
}
