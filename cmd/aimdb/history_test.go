package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
)

// lines decodes one JSON object a line.
func lines[T any](t *testing.T, out string) []T {
	t.Helper()
	var all []T
	for line := range strings.Lines(out) {
		var v T
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		all = append(all, v)
	}
	return all
}

// numbers returns the n of each row.
func numbers(t *testing.T, out string) []int {
	t.Helper()
	var ns []int
	for _, r := range lines[storedRow](t, out) {
		var v struct{ N int }
		if err := json.Unmarshal(r.Value, &v); err != nil {
			t.Fatal(err)
		}
		ns = append(ns, v.N)
	}
	return ns
}

func TestHistoryStats(t *testing.T) {
	db := historyFile(t, 30)
	var st fullStats
	if err := json.Unmarshal([]byte(aimdb(t, "history", "stats", db, "--format", "ndjson").ok(t)), &st); err != nil {
		t.Fatal(err)
	}
	if st.Rows != 30 || len(st.Records) != 3 || st.Bytes == 0 || st.FileStats == nil {
		t.Errorf("stats = %+v, want 30 rows of 3 records", st)
	}
	if out := aimdb(t, "history", "stats", db).ok(t); !strings.Contains(out, "a::y") || !strings.Contains(out, "2023-11-14T22:13:20.000Z") || !strings.Contains(out, "WAL BYTES") {
		t.Errorf("the table lacks a record or its first time:\n%s", out)
	}
}

func TestHistoryQueryLatest(t *testing.T) {
	db := historyFile(t, 30)
	for _, c := range []struct {
		args []string
		want []int
	}{
		{[]string{"#"}, []int{27, 28, 29}},
		{[]string{"a::*", "--latest", "2"}, []int{27, 24, 28, 25}},
		{[]string{"b", "--to", "1700000005000"}, []int{5}},
		{[]string{"nobody"}, nil},
	} {
		out := aimdb(t, append([]string{"history", "query", db, "--format", "ndjson"}, c.args...)...).ok(t)
		if got := numbers(t, out); !slices.Equal(got, c.want) {
			t.Errorf("query %v = %v, want %v", c.args, got, c.want)
		}
	}
}

func TestHistoryQueryPages(t *testing.T) {
	db := historyFile(t, 30)
	next := regexp.MustCompile(`--cursor (\S+)`)
	var got []int
	args := []string{"history", "query", db, "#", "--range", "--from", "2023-11-14T22:13:25Z", "--limit", "7", "--format", "ndjson"}
	for page := args; ; {
		r := aimdb(t, page...)
		got = append(got, numbers(t, r.ok(t))...)
		cursor := next.FindStringSubmatch(r.stderr)
		if cursor == nil {
			break
		}
		page = append(args[:len(args):len(args)], "--cursor", cursor[1])
	}
	want := make([]int, 0, 25)
	for i := 5; i < 30; i++ {
		want = append(want, i)
	}
	if !slices.Equal(got, want) {
		t.Errorf("pages = %v, want %v", got, want)
	}
	aimdb(t, append(args, "--cursor", "tampered")...).fails(t, exitUsage, "cursor")
}

func TestHistoryQueryRefuses(t *testing.T) {
	db := historyFile(t, 3)
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"a*"}, "a*"},
		{[]string{"#", "--latest", "0"}, "--latest"},
		{[]string{"#", "--latest", "2", "--range"}, "choose one"},
		{[]string{"#", "--limit", "2"}, "--range"},
		{[]string{"#", "--range", "--limit", "-2"}, "negative"},
		{[]string{"#", "--from", "1h", "--to", "2h"}, "after"},
		{[]string{"#", "--from", "soon"}, "RFC 3339"},
		{[]string{"#", "--format", "xml"}, "table, json, ndjson"},
		{[]string{}, "2 arguments"},
	} {
		aimdb(t, append([]string{"history", "query", db}, c.args...)...).fails(t, exitUsage, c.says)
	}
}

func TestHistoryNeedsAHistory(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	const notes = "this is not a database, and it is longer than the header of one"
	if err := os.WriteFile(text, []byte(strings.Repeat(notes, 20)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{{"stats"}, {"query", "#"}, {"export"}, {"prune", "--max-age", "1d"}} {
		args := func(db string) []string {
			return append([]string{"history", command[0], db}, command[1:]...)
		}
		aimdb(t, args(filepath.Join(dir, "absent.db"))...).fails(t, exitFailed, "absent.db", "history.db")
		aimdb(t, args(dir)...).fails(t, exitFailed, "is a directory")
		aimdb(t, args(text)...).fails(t, exitFailed, "notes.txt")
	}
	for _, command := range [][]string{{"stats"}, {"query", "#"}, {"query", "#", "--range"}, {"export"}} {
		absent := "unix://" + filepath.Join(dir, "none.sock")
		aimdb(t, append([]string{"history", command[0], absent}, command[1:]...)...).fails(t, exitFailed, "none.sock", "start the database")
		aimdb(t, append([]string{"history", command[0], "gopher://x"}, command[1:]...)...).fails(t, exitUsage, "gopher")
	}
	if after, err := os.ReadFile(text); err != nil || string(after) != strings.Repeat(notes, 20) {
		t.Errorf("a file that is no database was touched: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "absent.db")); err == nil {
		t.Error("looking for a history made one")
	}
}

func TestHistoryExport(t *testing.T) {
	db := historyFile(t, 30)
	dir := t.TempDir()
	if got := numbers(t, aimdb(t, "history", "export", db, "b", "--from", "1700000006000").ok(t)); !slices.Equal(got, []int{8, 11, 14, 17, 20, 23, 26, 29}) {
		t.Errorf("export of b = %v", got)
	}
	file := filepath.Join(dir, "all.csv")
	if out := aimdb(t, "history", "export", db, "-o", file).ok(t); out != "" {
		t.Errorf("stdout has %q although the export goes to a file", out)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := newRowReader(strings.NewReader(string(data)), asCSV)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		row, err := reader.read()
		if err != nil {
			t.Fatal(err)
		}
		if row.Time != base+int64(i)*1000 || !strings.Contains(string(row.Value), `"quote\" & <tag>`) {
			t.Fatalf("row %d = %+v", i, row)
		}
	}
	aimdb(t, "history", "export", db, "-o", filepath.Join(dir, "no", "where.csv")).fails(t, exitFailed, "where.csv")
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("beside the export there is %v, %v", entries, err)
	}
}

func TestHistoryBuckets(t *testing.T) {
	db := historyFile(t, 30)
	out := aimdb(t, "history", "query", db, "b", "--bucket", "20s", "--path", "n", "--format", "ndjson").ok(t)
	var count int64
	var sum float64
	for _, b := range lines[history.Bucket](t, out) {
		count, sum = count+b.Count, sum+b.Sum
		if b.Start%20_000 != 0 {
			t.Errorf("a bucket of 20 s starts at %d", b.Start)
		}
	}
	if count != 10 || sum != 155 {
		t.Errorf("the buckets hold %d numbers with the sum %g, want 10 and 155:\n%s", count, sum, out)
	}
	aimdb(t, "history", "query", db, "b", "--bucket", "1h", "--path", "a[").fails(t, exitUsage, "a[")
	aimdb(t, "history", "query", db, "b", "--bucket", "0s").fails(t, exitUsage, "--bucket")
	aimdb(t, "history", "query", db, "b", "--path", "n").fails(t, exitUsage, "--bucket")
}

func TestHistoryMoves(t *testing.T) {
	t.Parallel()
	from := historyFile(t, 300)
	all := aimdb(t, "history", "export", from).ok(t)
	for _, as := range []string{"ndjson", "csv"} {
		t.Run(as, func(t *testing.T) {
			dir := t.TempDir()
			file, to := filepath.Join(dir, "rows"), filepath.Join(dir, "copy.db")
			aimdb(t, "history", "export", from, "--format", as, "-o", file).ok(t)
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			// An import that breaks off in the middle of a line, and again whole.
			cut := string(data[:len(data)/2])
			aimdbIn(t, cut, "history", "import", to, "--format", as).fails(t, exitFailed, "stdin", "line", "again")
			some := strings.Count(aimdb(t, "history", "export", to).ok(t), "\n")
			if some == 0 || some >= 300 {
				t.Fatalf("the half import left %d rows", some)
			}
			r := aimdb(t, "history", "import", to, file, "--format", as)
			r.ok(t)
			if !strings.Contains(r.stderr, "were there already") {
				t.Errorf("stderr: %s", r.stderr)
			}
			if got := aimdb(t, "history", "export", to).ok(t); got != all {
				t.Errorf("the copy has other rows than the original")
			}
			aimdb(t, "history", "import", to, file, "--format", as).ok(t)
			if got := aimdb(t, "history", "export", to).ok(t); got != all {
				t.Errorf("a second import changed the copy")
			}
			aimdb(t, "history", "check", to).ok(t)
		})
	}
}

func TestHistoryImportRefuses(t *testing.T) {
	db := filepath.Join(t.TempDir(), "new.db")
	for in, says := range map[string]string{
		`{"record":"a","time":1,"value":1}` + "\n" + `{"record":"a"`: "line 2",
		`{"record":"a","time":1}`:                                    "record, time and value",
		`{"record":"a b","time":1,"value":1}`:                        "a b",
		`{"record":"a","time":-1,"value":1}`:                         "1970",
		`{"record":"a","time":"1","value":1}`:                        "line 1",
	} {
		aimdbIn(t, in, "history", "import", db).fails(t, exitFailed, says)
	}
	aimdbIn(t, "a,1,2\n", "history", "import", db, "--format", "csv").fails(t, exitFailed, "header")
	aimdbIn(t, "record,time,value\na,1,{\n", "history", "import", db, "--format", "csv").fails(t, exitFailed, "line 2", "not JSON")
	aimdb(t, "history", "import", db, "absent.csv").fails(t, exitFailed, "absent.csv")
	aimdb(t, "history", "import", "unix:///tmp/none.sock").fails(t, exitUsage, "file")
}

func TestHistoryBackupAndCompact(t *testing.T) {
	db := historyFile(t, 3000)
	all := aimdb(t, "history", "export", db).ok(t)
	backup := filepath.Join(t.TempDir(), "backup.db")
	aimdb(t, "history", "backup", db, backup).ok(t)
	if got := aimdb(t, "history", "export", backup).ok(t); got != all {
		t.Error("the backup has other rows than the original")
	}
	aimdb(t, "history", "check", backup).ok(t)
	aimdb(t, "history", "backup", db, backup).fails(t, exitFailed, "exists")
	aimdb(t, "history", "prune", db, "--max-rows", "1").ok(t)
	if out := aimdb(t, "history", "compact", db).ok(t); !strings.Contains(out, "after") {
		t.Errorf("compact says %q", out)
	}
	if got := numbers(t, aimdb(t, "history", "export", db).ok(t)); !slices.Equal(got, []int{2997, 2998, 2999}) {
		t.Errorf("after pruning and compacting there is %v", got)
	}
}

// Values with line breaks, as other programs may write them, are found again by
// an import of their export.
func TestHistoryExportOfValuesWithLineBreaks(t *testing.T) {
	db := historyFile(t, 3)
	change(t, db, `INSERT INTO record_history(record_name, value_json, stored_at)
		VALUES ('a::x', '{' || char(13, 10) || '"n": 7 }', 5), ('a::x', '{"n" :' || char(10) || '8}', 5)`)
	for _, as := range []string{"ndjson", "csv"} {
		out := aimdb(t, "history", "export", db, "--format", as).ok(t)
		r := aimdbIn(t, out, "history", "import", db, "--format", as)
		if r.ok(t); !strings.Contains(r.stderr, "0 rows added, 5 were there already") {
			t.Errorf("%s: %s", as, r.stderr)
		}
	}
}

func TestHistoryStatsListsWhatIsLost(t *testing.T) {
	db := historyFile(t, 3)
	change(t, db, `INSERT INTO aimdb_loss(record_name, cause, count, from_seq, to_seq, first_time, last_time, noted_at)
		VALUES ('b', 'log_discarded', 3, 5, 7, 1700000000000, 1700000000000, 0), ('', 'log_missing', 0, 11, 0, 0, 1700000000000, 0)`)
	change(t, db, `INSERT INTO aimdb_dead_letter(log, sequence, record_name, value_json, stored_at, reason, noted_at)
		VALUES ('l', 9, 'a::x', '{broken', 1700000000000, 'too large', 0)`)
	for flag, says := range map[string][]string{
		"--losses":       {"b ", "log_discarded", "5-7", "2023-11-14T22:13:20", "\n- ", "11- ", " - "},
		"--dead-letters": {"a::x", "too large", `"{broken"`, "2023-11-14T22:13:20"},
	} {
		out := aimdb(t, "history", "stats", db, flag).ok(t)
		for _, text := range says {
			if !strings.Contains(out, text) {
				t.Errorf("%s lacks %q:\n%s", flag, text, out)
			}
		}
	}
	losses := lines[loss.Loss](t, aimdb(t, "history", "stats", db, "--losses", "--format", "ndjson").ok(t))
	if len(losses) != 2 || losses[0].Count != 3 || losses[0].To != 7 {
		t.Errorf("losses as JSON: %+v", losses)
	}
	letters := lines[deadLetter](t, aimdb(t, "history", "stats", db, "--dead-letters", "--format", "ndjson").ok(t))
	if len(letters) != 1 || letters[0].Value != "{broken" || letters[0].Sequence != 9 {
		t.Errorf("dead letters as JSON: %+v", letters)
	}
	aimdb(t, "history", "stats", db, "--losses", "--dead-letters").fails(t, exitUsage, "choose one")
	aimdb(t, "history", "stats", "unix:///tmp/none.sock", "--losses").fails(t, exitUsage, "file")
}
