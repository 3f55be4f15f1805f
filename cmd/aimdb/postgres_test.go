package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/internal/pgtest"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

var postgresServer = pgtest.New()

// secret is the password in the DSNs of tests. The server lets everybody in.
const secret = "geheim"

// dsn makes a database and returns a DSN with a password.
func dsn(t *testing.T) string {
	t.Helper()
	return strings.Replace(postgresServer.Database(t), "postgres@", "postgres:"+secret+"@", 1)
}

// holdsInPostgres fails the test unless a history has the numbers from one to the last in
// order. The order of the first ones is not looked at.
func (w *elsewhereWorld) holdsInPostgres(dsn string, first int) {
	w.t.Helper()
	var values []int
	for line := range strings.Lines(aimdb(w.t, "history", "query", dsn, "n::a", "--range", "--from", "0", "--format", "ndjson").ok(w.t)) {
		var row struct{ Value int }
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			w.t.Fatal(err)
		}
		values = append(values, row.Value)
	}
	if len(values) >= first {
		slices.Sort(values[:first])
	}
	for i, value := range values {
		if value != i+1 {
			w.t.Fatalf("row %d is %d", i+1, value)
		}
	}
	if last := int(w.produced.Load()); len(values) != last {
		w.t.Fatalf("the history has %d of %d values", len(values), last)
	}
}

// TestSinkInPostgres: two processes run a sink, the active one is killed under load, and
// everything is stored once. No command shows the password.
func TestSinkInPostgres(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	to := dsn(t)
	first := w.sink("postgres", to, "active: the sink stores the log", "--sink", "tables")
	second := w.sink("postgres", to, "standby: ", "--sink", "tables")
	soon(t, "one is active and one a standby", func() bool {
		return w.state("tables", "active") != nil && w.state("tables", "standby") != nil
	})
	stop := w.load()
	defer stop()
	soon(t, "something is stored", func() bool { s := w.state("tables", "active"); return s != nil && s.Checkpoint > 50 })
	first.kill()
	second.says("active: the sink stores the log")
	stop()
	w.produce(10)
	w.stored("tables")
	w.holdsInPostgres(to, 0)
	list := aimdb(t, w.args("sink", "list")...).ok(t)
	for what, text := range map[string]string{"list": list, "first": first.output(), "second": second.output()} {
		if strings.Contains(text, secret) {
			t.Errorf("%s shows the password:\n%s", what, text)
		}
	}
	if !strings.Contains(list, "postgres://127.0.0.1:") {
		t.Errorf("the list does not show the store:\n%s", list)
	}
	verdict := aimdb(t, w.args("verify", to)...).ok(t)
	if !regexp.MustCompile(fmt.Sprintf(`n::a +%d `, w.produced.Load())).MatchString(verdict) || !strings.Contains(verdict, ": complete: ") || strings.Contains(verdict, secret) {
		t.Errorf("verify says\n%s", verdict)
	}
}

// TestRewindInPostgres: a history is rebuilt while its sink stores what is produced, and
// the sink goes on with the new one.
func TestRewindInPostgres(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	to := dsn(t)
	c := w.sink("postgres", to, "active: the sink stores the log", "--sink", "tables")
	w.produce(500)
	w.stored("tables")
	stop := w.load()
	defer stop()
	out := aimdb(t, w.args("sink", "rewind", "tables", "--store", to, "--to", "200", "--keep-older")...).ok(t)
	if !strings.Contains(out, "older rows were copied") || !strings.Contains(out, "the old one is in the schema aimdb_") || strings.Contains(out, secret) {
		t.Errorf("rewind says %s", out)
	}
	stop()
	w.produce(100)
	w.stored("tables")
	w.holdsInPostgres(to, 500) // rows of one millisecond may be copied after a rebuilt one
	c.says("PostgreSQL has another history than before")
	aimdb(t, w.args("sink", "rewind", "tables", "--store", to+"&search_path=other", "--to", "1")...).fails(t, exitFailed, "there is no history")
	c.interrupt()
}

// TestHistoryInPostgres: what is exported from a file is the same in PostgreSQL after an
// import, for all commands that read it.
func TestHistoryInPostgres(t *testing.T) {
	t.Parallel()
	file, to := historyFile(t, 1500), dsn(t)
	rows := aimdb(t, "history", "export", file).ok(t)
	aimdb(t, "history", "stats", to).fails(t, exitFailed, "there is no history")
	for _, says := range []string{"1500 rows added, 0 were there already", "0 rows added, 1500 were there already"} {
		if r := aimdbIn(t, rows, "history", "import", to); r.code != exitOK || !strings.Contains(r.stderr, says) {
			t.Fatalf("status %d: %s", r.code, r.stderr)
		}
	}
	for _, command := range [][]string{
		{"history", "export", "DB"},
		{"history", "export", "DB", "a::*", "--format", "csv"},
		{"history", "query", "DB", "#", "--latest", "3"},
		{"history", "query", "DB", "#", "--range", "--from", "0", "--limit", "7"},
		{"history", "query", "DB", "#", "--from", "0", "--bucket", "1m", "--path", "n"},
		{"history", "prune", "DB", "--dry-run", "--max-rows", "100"},
		{"history", "stats", "DB", "--losses"},
		{"sink", "dead-letters", "DB", "list"},
	} {
		answer := func(db string) string {
			args := strings.Split(strings.ReplaceAll(strings.Join(command, "\n"), "DB", db), "\n")
			return aimdb(t, args...).ok(t)
		}
		if want, got := answer(file), answer(to); got != want {
			t.Errorf("%v: %.500q, want %.500q", command, got, want)
		}
	}
	aimdb(t, "history", "prune", to, "--max-rows", "100").ok(t)
	if out := aimdb(t, "history", "stats", to).ok(t); !strings.HasPrefix(strings.TrimSpace(strings.SplitN(out, "\n", 3)[1]), "300 ") {
		t.Errorf("after a prune the statistics are\n%s", out)
	}
}

func TestPostgresErrors(t *testing.T) {
	t.Parallel()
	to := dsn(t)
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"no history":       {[]string{"history", "stats", to}, exitFailed, "there is no history"},
		"no database":      {[]string{"history", "stats", to[:strings.LastIndex(to, "/")] + "/nowhere?sslmode=disable"}, exitFailed, "createdb"},
		"no server":        {[]string{"history", "stats", "postgres://u:" + secret + "@127.0.0.1:1/x"}, exitFailed, "connection refused"},
		"no number":        {[]string{"history", "stats", "postgres://u:" + secret + "@127.0.0.1:port/x"}, exitUsage, "give one such as"},
		"two schemas":      {[]string{"history", "stats", to + "&search_path=a,b"}, exitUsage, "no plain name of one schema"},
		"backup":           {[]string{"history", "backup", to, "x"}, exitUsage, "pg_dump"},
		"restore":          {[]string{"history", "restore", "x", to}, exitUsage, "pg_restore"},
		"compact":          {[]string{"history", "compact", to}, exitUsage, "VACUUM"},
		"check":            {[]string{"history", "check", to}, exitUsage, "pg_amcheck"},
		"verify":           {[]string{"verify", to}, exitUsage, "--nats-url"},
		"a file":           {[]string{"sink", "run", "postgres", "--to", "x.db", "--name", "hub", "--nats-url", "nats://127.0.0.1:1"}, exitUsage, "give one such as"},
		"a DSN for a file": {[]string{"sink", "run", "sqlite", "--to", to, "--name", "hub", "--nats-url", "nats://127.0.0.1:1"}, exitUsage, "sink run postgres"},
		"no URL":           {[]string{"sink", "list", "--name", "hub", "--nats-url", "nats ://u:" + secret + "@127.0.0.1:1"}, exitFailed, "this is no URL"},
		"a gateway":        {[]string{"gateway", "--history", to, "--name", "hub", "--nats-url", "nats://u:" + secret + "@127.0.0.1:1"}, exitFailed, "no server answers there"},
	} {
		t.Run(name, func(t *testing.T) {
			r := aimdb(t, c.args...)
			r.fails(t, c.code, c.says)
			if strings.Contains(r.stdout+r.stderr, secret) || strings.Count(r.stderr, "\n") > 2 {
				t.Errorf("it says %s", r.stderr)
			}
		})
	}
}

// TestGatewayOnPostgres: a gateway answers queries from a history in PostgreSQL.
func TestGatewayOnPostgres(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	to := dsn(t)
	w.sink("postgres", to, "active: the sink stores the log", "--sink", "tables")
	w.produce(20)
	w.stored("tables")
	socket := shortPath(t)
	c := w.start("gateway", "--history", to, "--socket", socket)
	soon(t, "the gateway answers", func() bool {
		r := aimdb(t, "record", "query", "n::a", "--connect", socket, "--limit", "1", "--format", "ndjson")
		return r.code == exitOK && strings.Contains(r.stdout, `"value":20`)
	})
	c.interrupt()
	if strings.Contains(c.output(), secret) {
		t.Errorf("it says %s", c.output())
	}
}

// TestImportIntoPostgresCounts: white space makes no other row, and rows that come twice
// are there twice.
func TestImportIntoPostgresCounts(t *testing.T) {
	t.Parallel()
	to := dsn(t)
	two := `{"record":"a","time":5,"value":{"n":1}}` + "\n" + `{"record":"a","time":5,"value":{"n": 1}}` + "\n"
	for _, c := range []struct{ rows, says string }{
		{two, "2 rows added, 0 "}, {two, "0 rows added, 2 "}, {two + two, "2 rows added, 2 "},
		{`{"record":"b","time":4,"value":1}` + "\n", "1 row added, 0 "},
	} {
		if r := aimdbIn(t, c.rows, "history", "import", to); !strings.Contains(r.stderr, c.says) {
			t.Errorf("%s: %s", c.rows, r.stderr)
		}
	}
	s, err := postgres.Open(t.Context(), postgres.Config{DSN: to})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	stats, err := s.Stats(t.Context())
	if err != nil || stats.Rows != 5 || len(stats.Records) != 2 || stats.Records[0].Rows != 4 {
		t.Errorf("%+v, %v", stats, err)
	}
}
