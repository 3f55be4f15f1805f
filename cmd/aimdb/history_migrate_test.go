package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	embedded "github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

type oldTemp struct {
	C float64 `json:"c"`
}

type newTemp struct {
	Kelvin float64 `json:"kelvin"`
}

// kelvin refuses what no thermometer shows.
func kelvin(old oldTemp) (newTemp, error) {
	if old.C < -273 {
		return newTemp{}, errors.New("colder than possible")
	}
	return newTemp{old.C + 273}, nil
}

func registerNewTemp(db *embedded.DB) error {
	_, err := embedded.Register[newTemp](db, "temp::vienna", embedded.Persist(), embedded.Remote(), embedded.Migrate(kelvin))
	return err
}

// The rows of a program's older shape are upgraded over the wire, rewritten, and keep their
// version through an export and an import.
func TestHistoryMigrate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, rows := filepath.Join(dir, "history.db"), filepath.Join(dir, "old.ndjson")
	if err := os.WriteFile(rows, []byte(`{"record":"temp::vienna","time":1000,"value":{"c":1}}
{"record":"temp::vienna","time":2000,"value":{"c":-400}}
{"record":"temp::vienna","time":3000,"value":{"c":3}}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	aimdb(t, "history", "import", path, rows).ok(t)
	store, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	socket := shortPath(t)
	serve(t, registerNewTemp, embedded.WithPersistence(store, 0), embedded.Gateway(socket))

	upgraded := `{"record":"temp::vienna","time":1000,"shape":1,"value":{"kelvin":274.0}}
{"record":"temp::vienna","time":3000,"shape":1,"value":{"kelvin":276.0}}
`
	if out := aimdb(t, "history", "export", socket).ok(t); out != upgraded {
		t.Errorf("the endpoint exports\n%s", out)
	}
	if out := aimdb(t, "record", "query", "temp::vienna", "--limit", "9", "--connect", socket).ok(t); !strings.Contains(out, `{"kelvin":276.0}`) || strings.Contains(out, `"c"`) {
		t.Errorf("record query prints\n%s", out)
	}
	result := aimdb(t, "history", "migrate", "--connect", socket, "--format", "json")
	result.fails(t, exitLost, "stay as they are: 1")
	var report []history.MigratedRecord
	if err := json.Unmarshal([]byte(result.stdout), &report); err != nil || len(report) != 1 {
		t.Fatalf("%+v, %v", result, err)
	}
	if r := report[0]; r.Rewritten != 2 || r.Left != 1 || !strings.Contains(r.Reason, "colder than possible") {
		t.Errorf("%+v", r)
	}
	mixed := `{"record":"temp::vienna","time":1000,"shape":1,"value":{"kelvin":274.0}}
{"record":"temp::vienna","time":2000,"value":{"c":-400}}
{"record":"temp::vienna","time":3000,"shape":1,"value":{"kelvin":276.0}}
`
	if out := aimdb(t, "history", "export", path).ok(t); out != mixed {
		t.Errorf("the file has\n%s", out)
	}
	// Everything that copies rows keeps the versions.
	for _, name := range []string{"rows.ndjson", "rows.parquet"} {
		file, copied := filepath.Join(dir, name), filepath.Join(dir, name+".db")
		aimdb(t, "history", "export", path, "--output", file).ok(t)
		aimdb(t, "history", "import", copied, file).ok(t)
		if out := aimdb(t, "history", "export", copied).ok(t); out != mixed {
			t.Errorf("after %s the file has\n%s", name, out)
		}
	}
	aimdb(t, "history", "export", path, "--format", "csv").fails(t, exitFailed, "CSV has no column")
	// Nobody upgrades the rows of a file, so a path could mean two things.
	aimdb(t, "history", "query", path, "#", "--bucket", "1h", "--path", "kelvin").fails(t, exitUsage, "aimdb history migrate")
	if out := aimdb(t, "history", "query", socket, "#", "--bucket", "1h", "--path", "kelvin").ok(t); !strings.Contains(out, "276") {
		t.Errorf("the endpoint summarizes\n%s", out)
	}
}

// A token must grant writing everything.
func TestHistoryMigrateNeedsAGrant(t *testing.T) {
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	db := serve(t, registerNewTemp, embedded.WithPersistence(store, 0), embedded.TCP("127.0.0.1:0"),
		embedded.Tokens(embedded.Token{Token: "some", Read: []string{"#"}, Write: []string{"temp::#"}}, embedded.Token{Token: "all", Write: []string{"#"}}))
	endpoint := "tcp://" + db.Addresses().TCP
	aimdb(t, "history", "migrate", "--connect", endpoint, "--token", "some").fails(t, exitFailed, "does not grant writing all records")
	aimdb(t, "history", "migrate", "--connect", endpoint, "--token", "all").ok(t)
}
