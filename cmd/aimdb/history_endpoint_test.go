package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	embedded "github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// shortPath returns a path that is short enough for a socket.
func shortPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "a")
}

// serveHistory runs a database on a history file and returns its endpoints. It
// keeps all rows and produces none, so that the file stays as it is.
func serveHistory(t *testing.T, path string) (socket, web string) {
	t.Helper()
	store, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	socket = shortPath(t)
	db := serve(t, nil, embedded.WithPersistence(store, 0), embedded.Gateway(socket), embedded.HTTP("127.0.0.1:0", nil))
	limited, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for { // until the sweep at the start has left its time
		stats, err := store.Stats(limited)
		if err != nil {
			t.Fatal(err)
		}
		if stats.LastPrune > 0 {
			return socket, "ws://" + db.Addresses().HTTP + "/ws"
		}
		time.Sleep(time.Millisecond)
	}
}

// serve runs a database until the test ends. register, which may be nil, adds
// its records.
func serve(t *testing.T, register func(*embedded.DB) error, opts ...embedded.Option) *embedded.DB {
	t.Helper()
	db, err := embedded.New(append([]embedded.Option{embedded.Dir(t.TempDir())}, opts...)...)
	if err == nil && register != nil {
		err = register(db)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- db.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	select {
	case <-db.Ready():
	case err := <-ended:
		ended <- err
		t.Fatalf("the database did not start: %v", err)
	}
	return db
}

// TestHistoryOfARunningDatabase: an endpoint prints what the file does. There
// are more rows than the server sends on one page.
func TestHistoryOfARunningDatabase(t *testing.T) {
	t.Parallel()
	db := historyFile(t, 12_000)
	socket, web := serveHistory(t, db)
	for i, args := range [][]string{
		{"query", "#"},
		{"query", "a::*", "--latest", "3", "--to", "2023-11-15T00:00:00Z"},
		{"query", "#", "--range", "--format", "ndjson"},
		{"query", "#", "--range", "--from", "2023-11-14T22:13:25Z", "--to", "2023-11-14T22:13:45Z"},
		{"query", "a.x", "--range", "--desc", "--per-record", "40"},
		{"query", "#", "--range", "--per-record", "3500", "--format", "ndjson"},
		{"query", "#", "--range", "--limit", "11111"},
		{"query", "nobody", "--range", "--limit", "3"},
		{"query", "#", "--bucket", "1h", "--path", "n"},
		{"query", "b", "--bucket", "10m", "--path", "n", "--format", "ndjson", "--to", "2023-11-15T00:00:00Z"},
		{"query", "#", "--bucket", "1d", "--path", "text"},
		{"export"},
		{"export", "#", "--format", "csv"},
		{"export", "a::*", "--from", "2023-11-14T23:00:00Z"},
		{"export", "nobody"},
	} {
		with := func(target string) result {
			return aimdb(t, append([]string{"history", args[0], target}, args[1:]...)...)
		}
		want := with(db)
		want.ok(t)
		endpoint := []string{socket, web}[i%2]
		got := with(endpoint)
		got.ok(t)
		if got.stdout != want.stdout { // the write-ahead log may have been taken over between the two
			want = with(db)
		}
		if got.stdout != want.stdout || got.stderr != want.stderr {
			t.Errorf("%v: %s\nprints  %.300s\n%.300s\nand the file\n%.300s\n%.300s", args, endpoint, got.stdout, got.stderr, want.stdout, want.stderr)
		}
	}
}

// TestStatsOfARunningDatabase: an endpoint prints what the file does, without
// what only the file knows.
func TestStatsOfARunningDatabase(t *testing.T) {
	db := historyFile(t, 300)
	socket, web := serveHistory(t, db)
	for _, endpoint := range []string{socket, web} {
		file, got := aimdb(t, "history", "stats", db).ok(t), aimdb(t, "history", "stats", endpoint).ok(t)
		if own, same := strings.CutPrefix(file, got); !same || !strings.Contains(own, "WAL BYTES") || strings.Contains(got, "WAL") {
			t.Errorf("%s prints\n%s\nand the file\n%s", endpoint, got, file)
		}
		want := lines[map[string]any](t, aimdb(t, "history", "stats", db, "--format", "ndjson").ok(t))[0]
		for _, name := range []string{"free_bytes", "wal_bytes", "wal_stuck", "shrinks"} {
			if _, has := want[name]; !has {
				t.Errorf("the file does not say %s", name)
			}
			delete(want, name)
		}
		if got := lines[map[string]any](t, aimdb(t, "history", "stats", endpoint, "--format", "ndjson").ok(t))[0]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s prints\n%v\nand the file\n%v", endpoint, got, want)
		}
	}
}

// TestHistoryPagesOfARunningDatabase takes each page from another side: their
// cursors are the same.
func TestHistoryPagesOfARunningDatabase(t *testing.T) {
	db := historyFile(t, 30)
	socket, web := serveHistory(t, db)
	next := regexp.MustCompile(`--cursor (\S+)`)
	sides := []string{socket, db, web}
	for _, flags := range [][]string{{"--limit", "4"}, {"--limit", "4", "--desc"}, {"--limit", "4", "--per-record", "7"}} {
		query := func(side string, more ...string) result {
			return aimdb(t, append(append([]string{"history", "query", side, "#", "--range", "--format", "ndjson"}, flags...), more...)...)
		}
		want := aimdb(t, append([]string{"history", "query", db, "#", "--range", "--format", "ndjson"}, append(flags[2:len(flags):len(flags)], "--limit", "0")...)...).ok(t)
		got, pages := "", 0
		for r := query(socket); ; pages++ {
			got += r.ok(t)
			cursor := next.FindStringSubmatch(r.stderr)
			if cursor == nil {
				break
			}
			r = query(sides[pages%3], "--cursor", cursor[1])
		}
		if got != want || pages < 5 {
			t.Errorf("%v: %d pages are\n%s\nand the whole is\n%s", flags, pages+1, got, want)
		}
		query(socket, "--cursor", "tampered").fails(t, exitFailed, "cursor")
	}
}

// TestExportMovesToAnotherFile: what an endpoint exports, a file can import.
func TestExportMovesToAnotherFile(t *testing.T) {
	t.Parallel()
	from := historyFile(t, 300)
	socket, _ := serveHistory(t, from)
	for _, file := range []string{"rows.ndjson", "rows.csv"} {
		file, to := filepath.Join(t.TempDir(), file), filepath.Join(t.TempDir(), "copy.db")
		aimdb(t, "history", "export", socket, "-o", file).ok(t)
		aimdb(t, "history", "import", to, file).ok(t)
		if want, got := aimdb(t, "history", "export", from).ok(t), aimdb(t, "history", "export", to).ok(t); got != want {
			t.Errorf("%s: the copy has other rows than the original", file)
		}
	}
}

// TestBrokenRowsOfARunningDatabase: what cannot be sent is told, like that of a
// file that cannot be exported.
func TestBrokenRowsOfARunningDatabase(t *testing.T) {
	db := filepath.Join(t.TempDir(), "history.db")
	var entries []sinks.Entry
	for i, value := range []string{"1", "{broken", "3"} {
		entries = append(entries, sinks.Entry{Sequence: uint64(i + 1), Record: "a", Time: base + int64(i), Value: []byte(value)})
	}
	fillHistory(t, db, entries)
	socket, _ := serveHistory(t, db)
	file, endpoint := aimdb(t, "history", "export", db), aimdb(t, "history", "export", socket)
	if file.ok(t) != endpoint.ok(t) || file.stderr != endpoint.stderr || !strings.Contains(file.stderr, "1 row left out") {
		t.Errorf("file:\n%s%s\nendpoint:\n%s%s", file.stdout, file.stderr, endpoint.stdout, endpoint.stderr)
	}
}

// TestOnlyTheFileWillDo: what works on the file says so.
func TestOnlyTheFileWillDo(t *testing.T) {
	socket, web := serveHistory(t, historyFile(t, 3))
	for _, endpoint := range []string{socket, web, "unix:///tmp/none.sock"} {
		for _, args := range [][]string{{"check"}, {"backup", "b.db"}, {"compact"}, {"import"}, {"prune", "--max-age", "1d"}, {"prune", "--max-age", "1d", "--dry-run"}} {
			aimdb(t, append([]string{"history", args[0], endpoint}, args[1:]...)...).fails(t, exitUsage, "history "+args[0]+" needs the database file", "on the machine that has it", "history.db")
		}
	}
}

// TestHistoryOfUpstream: a server that knows only AimX 3.0 says not_found and
// nothing more.
func TestHistoryOfUpstream(t *testing.T) {
	socket := serveUpstream(t, upstreamRows, upstreamList)
	for _, args := range [][]string{{"stats"}, {"query", "#", "--range"}, {"query", "#", "--range", "--limit", "2"}, {"query", "#", "--bucket", "1h"}, {"export"}} {
		r := aimdb(t, append([]string{"history", args[0], socket}, args[1:]...)...)
		r.fails(t, exitFailed, socket, "upstream", "--latest", "history file")
	}
	if out := aimdb(t, "history", "query", socket, "#", "--latest", "2", "--format", "ndjson").ok(t); out !=
		`{"record":"a","time":1,"value":1}`+"\n"+`{"record":"b","time":5,"value":3}`+"\n"+`{"record":"b","time":2,"value":2}`+"\n" {
		t.Errorf("query --latest:\n%s", out)
	}
}

// What a server of upstream answers to record.query and to record.list.
const (
	upstreamRows = `{"records":[{"topic":"a","payload":1,"ts":1},{"topic":"b","payload":2,"ts":2},{"topic":"b","payload":3,"ts":5}],"total":3}`
	upstreamList = `[{"record_id":0,"record_key":"attic.co2","name":"attic.co2","type_id":"json","origin":"passive","buffer_type":"single_latest","producer_count":0,"consumer_count":0,"writable":false,"outbound_connector_count":0}]`
)

// serveUpstream returns the socket of a server that knows only AimX 3.0, and
// answers record.query with rows and record.list with list if there is one.
func serveUpstream(t *testing.T, rows, list string) (socket string) {
	t.Helper()
	socket = shortPath(t)
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			upstream(conn, rows, list)
		}
	}()
	return socket
}

// upstream answers the requests of one connection, record.query with rows.
func upstream(conn net.Conn, rows, list string) {
	defer func() { _ = conn.Close() }()
	id := regexp.MustCompile(`"id":(\d+)`)
	for in := bufio.NewScanner(conn); in.Scan(); {
		answer := `"err":"not_found"`
		switch {
		case strings.Contains(in.Text(), `"hello"`):
			answer = `"ok":{"version":"3.0","server":"aimdb","permissions":["read"],"writable_records":[]}`
		case strings.Contains(in.Text(), `"record.list"`) && list != "":
			answer = `"ok":` + list
		case strings.Contains(in.Text(), `"record.query"`):
			answer = `"ok":` + rows
		}
		if _, err := fmt.Fprintf(conn, `{"t":"reply","id":%s,%s}`+"\n", id.FindStringSubmatch(in.Text())[1], answer); err != nil {
			return
		}
	}
}

// TestHistoryCommandsBesideADatabase: what writes may do so while a database
// runs on the file; what needs the file for itself is refused.
func TestHistoryCommandsBesideADatabase(t *testing.T) {
	t.Parallel()
	db := historyFile(t, 30)
	serveHistory(t, db)
	row := `{"record":"b","time":1800000000000,"value":{"n":30}}` + "\n"
	if r := aimdbIn(t, row, "history", "import", db); !strings.Contains(r.stderr, "1 row added") {
		t.Errorf("import: %s", r.stderr)
	}
	if out := aimdb(t, "history", "prune", db, "--pattern", "a::*", "--max-rows", "4", "--litestream").ok(t); !strings.Contains(out, "12 rows") {
		t.Errorf("prune: %s", out)
	}
	aimdb(t, "history", "check", db).ok(t)
	aimdb(t, "history", "compact", db).fails(t, exitFailed, "in use by another process", db+".lock")
}
