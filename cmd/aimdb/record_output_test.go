package main

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	embedded "github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// testHub is a database with a record of each kind that the commands print differently.
type testHub struct {
	socket string
	ring   *embedded.Record[float64]
}

func serveHub(t *testing.T) testHub {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	h := testHub{socket: shortPath(t)}
	db := serve(t, func(db *embedded.DB) (err error) {
		if h.ring, err = embedded.Register[float64](db, "temp::vienna", embedded.Ring(4), embedded.Persist(), embedded.Remote()); err != nil {
			return err
		}
		if _, err = embedded.Register[int](db, "temp::empty", embedded.Latest(), embedded.Remote(), embedded.Writable()); err != nil {
			return err
		}
		_, err = embedded.Register[int](db, "secret", embedded.Latest())
		return err
	}, embedded.WithPersistence(store, 0), embedded.Gateway(h.socket))
	for n := range 3 {
		h.ring.Produce(float64(20 + n))
	}
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h testHub) run(t *testing.T, args ...string) result {
	t.Helper()
	return aimdb(t, append(args, "--connect", h.socket)...)
}

func TestRecordListColumns(t *testing.T) {
	h := serveHub(t)
	out := h.run(t, "record", "list", "--rate", "10ms").ok(t)
	out = regexp.MustCompile(` +\d+ (ms|s|min) `).ReplaceAllString(out, "  AGO ")
	got := strings.Join(strings.Fields(strings.ReplaceAll(out, "\n", " | ")), " ")
	want := "RECORD TYPE BUFFER AGE RATE/S PRODUCED PERSISTED REMOTE WRITABLE DROPPED LOST | " +
		"temp::vienna float64 spmc_ring 4 AGO 0.0 3 yes yes no 0 0 | " +
		"temp::empty int single_latest - 0.0 0 no yes yes 0 0 | " +
		"secret int single_latest - 0.0 0 no no no 0 0 |"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if out := h.run(t, "record", "list", "temp::*", "--format", "csv").ok(t); strings.Count(out, "\n") != 3 || strings.Contains(out, "secret") {
		t.Errorf("a pattern lists\n%s", out)
	}
	if out := h.run(t, "record", "list", "temp::vienna", "--format", "ndjson", "--rate", "10ms").ok(t); !strings.Contains(out, `"values_per_second":0`) {
		t.Errorf("--rate prints\n%s", out)
	}
	if r := h.run(t, "record", "list", "nobody", "--rate", "0s"); r.ok(t) != "" || r.stderr != "no records\n" {
		t.Errorf("no record: %+v", r)
	}
}

func TestRecordGetOfSeveral(t *testing.T) {
	h := serveHub(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"temp::vienna"}, "22.0\n"},
		{[]string{"temp::vienna", "--format", "yaml"}, "---\n22.0\n"},
		{[]string{"temp::vienna", "--format", "csv"}, "record,value\ntemp::vienna,22.0\n"},
		{[]string{"#"}, "RECORD        VALUE\ntemp::vienna  22.0\n"},
		{[]string{"temp::vienna", "temp::vienna", "--format", "ndjson"}, `{"record":"temp::vienna","value":22.0}` + "\n" + `{"record":"temp::vienna","value":22.0}` + "\n"},
	} {
		if out := h.run(t, append([]string{"record", "get"}, c.args...)...).ok(t); out != c.want {
			t.Errorf("get %v prints %q, want %q", c.args, out, c.want)
		}
	}
	h.run(t, "record", "get", "temp::vienna", "temp::empty").fails(t, exitFailed, "temp::empty")
	h.run(t, "record", "get", "secret", "temp::vienna").fails(t, exitFailed, "secret")
	h.run(t, "record", "get").fails(t, exitUsage, "at least one KEY")
}

func TestRecordDrain(t *testing.T) {
	h := serveHub(t)
	h.run(t, "record", "set", "temp::empty", "7").ok(t)
	if out := h.run(t, "record", "drain", "temp::empty", "--for", "1ms", "--format", "csv").ok(t); out != "record,value\ntemp::empty,7\n" {
		t.Errorf("the current value is %q", out)
	}
	if r := h.run(t, "record", "drain", "temp::vienna", "--for", "1ms"); r.ok(t) != "" || r.stderr != "no values\n" {
		t.Errorf("a ring that nobody writes: %+v", r)
	}
	done := make(chan struct{})
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		for n := 30.0; ; n++ {
			select {
			case <-done:
				return
			default:
				h.ring.Produce(n)
			}
		}
	}()
	out := h.run(t, "record", "drain", "temp::vienna", "--for", "20ms", "--limit", "3", "--format", "ndjson").ok(t)
	close(done)
	<-wrote
	if n := len(lines[currentValue](t, out)); n != 3 {
		t.Errorf("--limit 3 prints %d values:\n%s", n, out)
	}
	h.run(t, "record", "drain", "nobody").fails(t, exitFailed, "nobody")
	h.run(t, "record", "drain", "temp::vienna", "--limit", "-1").fails(t, exitUsage, "--limit")
}

// TestRecordQueryForms: newest rows, pages and buckets of a running database.
func TestRecordQueryForms(t *testing.T) {
	db := historyFile(t, 30) // records a::x, a::y and b in turn
	socket, _ := serveHistory(t, db)
	query := func(args ...string) result {
		return aimdb(t, append([]string{"record", "query", "--format", "ndjson", "--connect", socket}, args...)...)
	}
	for _, c := range []struct {
		args []string
		want []int
	}{
		{[]string{"b"}, []int{29}},
		{[]string{"b", "--latest", "3"}, []int{23, 26, 29}},
		{[]string{"b", "--limit", "3", "--order", "desc"}, []int{29, 26, 23}},
		{[]string{"#", "--all", "--limit", "4"}, []int{0, 1, 2, 3}},
		{[]string{"b", "--all", "--order", "desc", "--from", "1700000020000", "--to", "1700000026000"}, []int{26, 23, 20}},
	} {
		r := query(c.args...)
		if got := numbers(t, r.ok(t)); !slices.Equal(got, c.want) || r.stderr != "" {
			t.Errorf("query %v has %v, want %v; stderr %q", c.args, got, c.want, r.stderr)
		}
	}
	var paged []int
	for cursor, pages := "", 0; ; pages++ {
		r := query("#", "--cursor", cursor, "--limit", "12")
		paged = append(paged, numbers(t, r.ok(t))...)
		_, next, found := strings.Cut(strings.TrimSpace(r.stderr), "next page: --cursor ")
		if cursor = next; !found {
			break
		}
		if pages == 0 {
			rest := numbers(t, query("#", "--all", "--cursor", cursor).ok(t))
			if len(rest) != 18 || rest[0] != 12 {
				t.Errorf("the rest after a page is %v", rest)
			}
		}
	}
	if len(paged) != 30 || !slices.IsSorted(paged) {
		t.Errorf("all pages have %v", paged)
	}
	if got := numbers(t, query("#", "--cursor", "", "--limit", "1").ok(t)); !slices.Equal(got, []int{0}) {
		t.Errorf("a page of one row has %v", got)
	}
	buckets := lines[history.Bucket](t, query("b", "--bucket", "1d", "--path", "n").ok(t))
	if len(buckets) != 1 || buckets[0].Count != 10 || buckets[0].Max != 29 {
		t.Errorf("buckets %+v", buckets)
	}
	for says, args := range map[string][]string{
		"choose one":            {"b", "--latest", "2", "--all"},
		"--limit goes with":     {"b", "--latest", "2", "--limit", "3"},
		"--path goes with":      {"b", "--path", "n"},
		"at least 1":            {"b", "--latest", "0"},
		"asc or desc":           {"b", "--order", "up"},
		"width of the buckets":  {"b", "--bucket", "0s"},
		"--from is after --to":  {"b", "--from", "1h", "--to", "2h"},
		"printed by record and": {"b", "--bucket", "1m", "--order", "desc"},
	} {
		query(args...).fails(t, exitUsage, says)
	}
}
