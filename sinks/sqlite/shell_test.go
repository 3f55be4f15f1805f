package sqlite_test

import (
	"os"
	process "os/exec"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
)

// shell runs the real sqlite3 on a file. CI has it.
func shell(t *testing.T, path, script string) string {
	t.Helper()
	binary, err := process.LookPath("sqlite3")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the sqlite3 shell is missing; CI has to install it: %v", err)
		}
		t.Skip("not tested: the sqlite3 shell is missing; install sqlite3")
	}
	cmd := process.CommandContext(t.Context(), binary, "-batch", "-bail", path)
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v\n%s", err, out)
	}
	return string(out)
}

// TestTheShellReadsAndWritesARunningHistory: the file is plain SQLite in
// upstream's schema, to a program that shares no code with this one, too.
func TestTheShellReadsAndWritesARunningHistory(t *testing.T) {
	s, stop := startStop(t, file(t))
	write(t, s, batch(1, entry("temp::vienna", 1, `{"celsius":21.5}`), entry("temp::oslo", 2, `{"celsius":3}`)))
	const script = `.timeout 5000
PRAGMA integrity_check;
SELECT record_name, json_extract(value_json, '$.celsius'), stored_at FROM record_history ORDER BY id;
INSERT INTO record_history(record_name, value_json, stored_at) VALUES ('temp::rome', '{"celsius":30}', 3);
`
	// A batch is stored record by record.
	if out, want := shell(t, s.Path(), script), "ok\ntemp::oslo|3|2\ntemp::vienna|21.5|1\n"; out != want {
		t.Errorf("the shell says\n%s\nwant\n%s", out, want)
	}
	all, err := s.Records(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, all, "temp::oslo", "temp::rome", "temp::vienna")
	same(t, texts(t, s.Latest(t.Context(), history.LatestQuery{Pattern: pattern(t, "temp.rome"), Limit: 1})), `temp::rome 3 {"celsius":30}`)
	stop()
	// The window query of upstream, and a copy made by the shell.
	latest := `SELECT record_name, value_json FROM (SELECT *, row_number() OVER (PARTITION BY record_name ORDER BY stored_at DESC) AS n
		FROM record_history) WHERE n = 1 ORDER BY record_name LIMIT 1;`
	if out := shell(t, s.Path(), latest); out != "temp::oslo|{\"celsius\":3}\n" {
		t.Errorf("the window query: %s", out)
	}
	dumped := made(t, shell(t, s.Path(), ".dump"))
	same(t, everything(t, start(t, dumped)), everything(t, start(t, s.Path()))...)
}
