package main

import (
	"database/sql"
	"os"
	"strings"
	"testing"
)

func TestHistoryCheckFindsDamage(t *testing.T) {
	db := historyFile(t, 3000)
	f, err := os.OpenFile(db, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 8192), info.Size()/2/4096*4096); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	aimdb(t, "history", "check", db).fails(t, exitFailed, db)
	aimdb(t, "history", "prune", db, "--max-rows", "1").fails(t, exitFailed)
	if _, err := os.Stat(db); err != nil {
		t.Errorf("the damaged file was moved: %v", err)
	}
}

func TestHistoryCheckRepairsCounts(t *testing.T) {
	db := historyFile(t, 30)
	change(t, db, "UPDATE aimdb_record SET rows = rows + 10 WHERE name = 'b'")
	aimdb(t, "history", "check", db).fails(t, exitFailed, "the count of b is off by -10 rows")
	r := aimdb(t, "history", "check", db, "--repair")
	if r.ok(t); !strings.Contains(r.stderr, "put right: the count of b") {
		t.Errorf("stderr: %s", r.stderr)
	}
	aimdb(t, "history", "check", db).ok(t)
	// A count must not be made to fit rows that vanished.
	change(t, db, "DELETE FROM record_history WHERE record_name = 'b'")
	aimdb(t, "history", "check", db, "--repair").fails(t, exitFailed, "10 rows are missing", "aimdb verify")
}

func change(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}
