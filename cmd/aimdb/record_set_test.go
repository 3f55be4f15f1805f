package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	embedded "github.com/aimdb-go/aimdb"
)

// TestDryRun: a value is checked by the database and not set; what a set would refuse is
// refused.
func TestDryRun(t *testing.T) {
	type settings struct {
		Celsius float64 `json:"celsius"`
		Note    string  `json:"note,omitempty"`
	}
	socket := shortPath(t)
	db := serve(t, func(db *embedded.DB) error {
		made, err := embedded.Register[settings](db, "made", embedded.Latest(), embedded.Remote(), embedded.Writable())
		if err != nil {
			return err
		}
		in, err := embedded.Register[settings](db, "hub.settings", embedded.Latest(), embedded.Remote(), embedded.Writable(), embedded.Initial(settings{Celsius: 22}))
		if err != nil {
			return err
		}
		if _, err := embedded.Register[settings](db, "closed", embedded.Latest(), embedded.Remote()); err != nil {
			return err
		}
		return embedded.Map(in, made, func(s settings) settings { return s })
	}, embedded.Gateway(socket), embedded.HTTP("127.0.0.1:0", nil))
	for _, endpoint := range []string{socket, "http://" + db.Addresses().HTTP} {
		for _, c := range []struct{ key, value, says string }{
			{"hub.settings", `{"celsius":1}`, ""},
			{"hub.settings", `{}`, "the member celsius is missing"},
			{"hub.settings", `{"celsius":"1"}`, "the member celsius cannot be a string"},
			{"hub.settings", `null`, "the value is null"},
			{"closed", `{"celsius":1}`, "not writable from outside"},
			{"made", `{"celsius":1}`, "not writable from outside"},
			{"absent", `{"celsius":1}`, "not writable from outside"},
		} {
			r := aimdb(t, "record", "set", c.key, c.value, "--dry-run", "--connect", endpoint)
			if c.says != "" {
				r.fails(t, exitFailed, c.says)
			} else if r.ok(t) != "" || !strings.Contains(r.stderr, "nothing was set") {
				t.Errorf("%s: %q %q", c.key, r.stdout, r.stderr)
			}
		}
		if out := aimdb(t, "record", "get", "hub.settings", "--connect", endpoint).ok(t); !strings.Contains(out, "22.0") {
			t.Errorf("the record has %s", out)
		}
	}
}

// TestDryRunOfAnOlderServer: a server that cannot check is never told to set.
func TestDryRunOfAnOlderServer(t *testing.T) {
	var sets atomic.Int64
	socket := serveScript(t, func(conn net.Conn, frame string) {
		switch {
		case strings.Contains(frame, `"hello"`):
			replyTo(conn, frame, `"ok":{"version":"3.0","server":"aimdb","permissions":["read","write"],"writable_records":["a"]}`)
		case strings.Contains(frame, `"record.set"`), strings.Contains(frame, `"write"`):
			sets.Add(1)
			replyTo(conn, frame, `"ok":{"status":"success","value":1}`)
		default:
			replyTo(conn, frame, `"err":"not_found"`)
		}
	})
	aimdb(t, "record", "set", "a", "1", "--dry-run", "--connect", socket).fails(t, exitFailed, "cannot check a value", "nothing was set")
	if sets.Load() != 0 {
		t.Error("it was set")
	}
	if aimdb(t, "record", "set", "a", "1", "--connect", socket).ok(t); sets.Load() != 1 {
		t.Error("it was not set")
	}
}

// TestSetFromAFile: the value is an argument, a file or the standard input.
func TestSetFromAFile(t *testing.T) {
	socket := shortPath(t)
	serve(t, number, embedded.Gateway(socket))
	file := filepath.Join(t.TempDir(), "value.json")
	if err := os.WriteFile(file, []byte("\n 7.5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := aimdb(t, "record", "set", "kitchen::light", "@"+file, "--connect", socket).ok(t); strings.TrimSpace(out) != "7.5" {
		t.Errorf("the file set %s", out)
	}
	if out := aimdbIn(t, "8.5\n", "record", "set", "kitchen::light", "-", "--connect", socket).ok(t); strings.TrimSpace(out) != "8.5" {
		t.Errorf("the standard input set %s", out)
	}
	for value, says := range map[string]string{"@" + file + ".absent": "read the value: open", "@": "read the value", "text": "a text needs quotes"} {
		aimdb(t, "record", "set", "kitchen::light", value, "--connect", socket).fails(t, exitUsage, says)
	}
	aimdbIn(t, "", "record", "set", "kitchen::light", "-", "--connect", socket).fails(t, exitUsage, "the value")
}
