package main

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
)

// The limit of the whole file takes the oldest rows of all records.
func TestHistoryPruneToASize(t *testing.T) {
	t.Parallel()
	const rows, limit = 20_000, 600_000
	db := historyFile(t, rows)
	stats := func() (st fullStats) {
		if err := json.Unmarshal([]byte(aimdb(t, "history", "stats", db, "--format", "ndjson").ok(t)), &st); err != nil {
			t.Fatal(err)
		}
		return st
	}
	before := stats()
	prune := []string{"history", "prune", db, "--file-bytes", strconv.Itoa(limit), "--format", "ndjson"}
	aimdb(t, append(prune, "--dry-run")...).ok(t)
	if st := stats(); st.Rows != rows {
		t.Fatalf("a dry run left %d rows of %d", st.Rows, rows)
	}
	var report history.PruneReport
	if err := json.Unmarshal([]byte(aimdb(t, prune...).ok(t)), &report); err != nil {
		t.Fatal(err)
	}
	after := stats()
	if used := after.Bytes - after.FreeBytes; used > limit || used < limit/2 {
		t.Errorf("%d bytes are used, want no more than %d, and not much less", used, limit)
	}
	if after.Bytes >= before.Bytes || report.FreedBytes != before.Bytes-after.Bytes {
		t.Errorf("the file had %d bytes and has %d; the report says %d went", before.Bytes, after.Bytes, report.FreedBytes)
	}
	if report.Rows == 0 || after.Rows != rows-report.Rows {
		t.Errorf("%d rows are left of %d, the report says %d went", after.Rows, rows, report.Rows)
	}
	left := numbers(t, aimdb(t, "history", "export", db).ok(t))
	slices.Sort(left)
	if want := int(rows - after.Rows); len(left) == 0 || left[0] <= want-perBatch || left[len(left)-1] != rows-1 {
		t.Errorf("%d rows are left, from %d; want the newest, from %d but for one batch", len(left), left[0], want)
	}
	aimdb(t, "history", "prune", db, "--file-bytes", "-1").fails(t, exitUsage, "negative")
}

func TestHistoryPrune(t *testing.T) {
	db := historyFile(t, 30)
	prune := []string{"history", "prune", db, "--pattern", "a::*", "--max-rows", "4"}
	if out := aimdb(t, append(prune, "--dry-run")...).ok(t); !strings.Contains(out, "12 rows") || !strings.Contains(out, "would be deleted\n") || strings.Contains(out, "shrank") {
		t.Errorf("the dry run says:\n%s", out)
	}
	count := func() int { return len(numbers(t, aimdb(t, "history", "export", db).ok(t))) }
	if n := count(); n != 30 {
		t.Fatalf("a dry run left %d rows of 30", n)
	}
	var report history.PruneReport
	if err := json.Unmarshal([]byte(aimdb(t, append(prune, "--format", "ndjson")...).ok(t)), &report); err != nil {
		t.Fatal(err)
	}
	if report.Rows != 12 || count() != 18 {
		t.Errorf("pruned %d rows and left %d, want 12 and 18", report.Rows, count())
	}
	aimdb(t, "history", "prune", db).fails(t, exitUsage, "--max-age")
	aimdb(t, "history", "prune", db, "--max-rows", "-1").fails(t, exitUsage, "negative")
}

// What only the clock makes too old stays until it is said that the clock is
// right. The dry run says the same.
func TestHistoryPruneInDoubtOfTheClock(t *testing.T) {
	db := historyFile(t, 30)
	aimdbIn(t, `{"record":"b","time":4733510400000,"value":{"n":30}}`+"\n", "history", "import", db).ok(t)
	aimdb(t, "history", "prune", db, "--max-rows", "1000").ok(t)
	change(t, db, "UPDATE aimdb_meta SET value = '1700000100000' WHERE key = 'trusted_time'")
	prune := []string{"history", "prune", db, "--max-age", "1d"}
	for _, args := range [][]string{append(prune, "--dry-run"), prune} {
		r := aimdb(t, args...)
		if out := r.ok(t); !strings.Contains(out, "\n0 rows (") {
			t.Errorf("%v deletes\n%s", args, out)
		}
		for _, says := range []string{"a::x keeps 10 rows that only the clock makes too old", "a::y keeps 10", "b keeps 10", "--clock-ok", "1 row from the future stays"} {
			if !strings.Contains(r.stderr, says) {
				t.Errorf("%v does not say %q:\n%s", args, says, r.stderr)
			}
		}
	}
	if out := aimdb(t, append(prune, "--clock-ok")...).ok(t); !strings.Contains(out, "\n30 rows (") {
		t.Errorf("told that the clock is right it deletes\n%s", out)
	}
}
