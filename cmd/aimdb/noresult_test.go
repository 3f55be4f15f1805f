package main

import (
	"path/filepath"
	"strings"
	"testing"

	embedded "github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func TestRecordQuerySaysWhyThereAreNoRows(t *testing.T) {
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	socket := shortPath(t)
	var full *embedded.Record[int]
	db := serve(t, func(db *embedded.DB) (err error) {
		if full, err = embedded.Register[int](db, "kept.full", embedded.Latest(), embedded.Persist(), embedded.Remote()); err != nil {
			return err
		}
		for key, opts := range map[string][]embedded.RecordOption{"kept.empty": {embedded.Persist()}, "live": nil} {
			if _, err := embedded.Register[int](db, key, append(opts, embedded.Latest(), embedded.Remote())...); err != nil {
				return err
			}
		}
		return nil
	}, embedded.WithPersistence(store, 0), embedded.Gateway(socket))
	full.Produce(1)
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"kept.full"}, ""},
		{[]string{"#"}, ""},
		{[]string{"kept.full", "--to", "2001-01-01T00:00:00Z"}, "outside of --from and --to"},
		{[]string{"kept.empty"}, "nothing is stored yet of the 1 persisted"},
		{[]string{"kept.empty", "--from", "1d"}, "nothing is stored yet of the 1 persisted"},
		{[]string{"live"}, "none of the 1 record that matches is persisted"},
		{[]string{"live.#"}, "none of the 1 record that matches is persisted"},
		{[]string{"nobody"}, "no record matches"},
		{[]string{"nobody.*", "--format", "ndjson"}, "no record matches"},
	} {
		r := aimdb(t, append([]string{"record", "query", "--connect", socket}, c.args...)...)
		if r.ok(t); (r.stderr == "") != (c.says == "") || !strings.Contains(r.stderr, c.says) {
			t.Errorf("record query %v says %q, want %q", c.args, r.stderr, c.says)
		}
	}
}

// A server of upstream does not say which records are persisted, and one may
// list none.
func TestRecordQueryOfAServerThatDoesNotSayWhy(t *testing.T) {
	const none = `{"records":[],"total":0}`
	upstream, silent := serveUpstream(t, none, upstreamList), serveUpstream(t, none, "")
	for _, c := range []struct{ socket, pattern, says string }{
		{upstream, "attic.#", "the server does not say whether any of the 1 record that matches is persisted"},
		{upstream, "cellar", "no record matches"},
		{silent, "a", "a: no rows, and the reason is not known: record.list"},
	} {
		r := aimdb(t, "record", "query", c.pattern, "--connect", c.socket)
		if r.ok(t); !strings.Contains(r.stderr, c.says) {
			t.Errorf("record query %s says %q, want %q", c.pattern, r.stderr, c.says)
		}
	}
}

func TestBucketsSayThatAPathMatchesNoValue(t *testing.T) {
	db := historyFile(t, 30)
	socket, _ := serveHistory(t, db)
	for path, says := range map[string]string{
		"n":    "",
		"/n":   "",
		"/m":   `none of 30 values has anything at the path "/m"`,
		"m":    `none of 30 values has anything at the path "m"`,
		"n[0]": `none of 30 values has anything at the path "n[0]"`,
		"text": `none of 30 values has a number at the path "text"; 30 have something else there`,
		"":     `none of 30 values has a number at the path ""`,
	} {
		for _, target := range []string{db, socket} {
			r := aimdb(t, "history", "query", target, "#", "--bucket", "1d", "--path", path, "--format", "ndjson")
			if r.ok(t); (r.stderr == "") != (says == "") || !strings.Contains(r.stderr, says) {
				t.Errorf("--path %q of %s says %q, want %q", path, target, r.stderr, says)
			}
		}
	}
	for format, says := range map[string]string{"ndjson": `"mean":null`, "csv": ",10,0,,,,0,,\n", "table": " -  ", "yaml": "mean: null"} {
		for _, args := range [][]string{{"history", "query", db}, {"history", "query", socket}, {"record", "query", "--connect", socket}} {
			r := aimdb(t, append(args, "#", "--bucket", "365d", "--path", "m", "--format", format)...)
			if out := r.ok(t); !strings.Contains(out, says) {
				t.Errorf("%v prints a bucket without numbers as %s in %s; want %q", args, out, format, says)
			}
		}
	}
	if r := aimdb(t, "history", "query", db, "nobody", "--bucket", "1d", "--path", "m"); r.stderr != "no rows\n" {
		t.Errorf("without any row it says %q of the path", r.stderr)
	}
}
