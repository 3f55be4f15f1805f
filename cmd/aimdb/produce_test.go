package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	embedded "github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

type producedReading struct {
	Celsius float64 `json:"celsius"`
}

// serveProduced serves a record that is logged and one that is not.
func serveProduced(t *testing.T) (db *embedded.DB, endpoints []string) {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	socket := shortPath(t) + ".sock" // as it is found without --connect
	db = serve(t, func(db *embedded.DB) error {
		_, err := embedded.Register[producedReading](db, "attic.air", embedded.Ring(16), embedded.Persist(), embedded.Writable())
		if err == nil {
			_, err = embedded.Register[int](db, "attic.lamp", embedded.Latest(), embedded.Writable())
		}
		return err
	}, embedded.Name("hub"), embedded.WithPersistence(store, 0), embedded.Gateway(socket), embedded.HTTP("127.0.0.1:0", nil), embedded.TCP("127.0.0.1:0"),
		embedded.NATS("127.0.0.1:0"), embedded.ServiceWrites("attic.#"))
	at := db.Addresses()
	return db, []string{socket, "http://" + at.HTTP, "tcp://" + at.TCP, "nats://" + at.NATS + "/hub"}
}

// TestProduce: all lines are logged in order, by every way in, and those that are refused
// are named while the others go on.
func TestProduce(t *testing.T) {
	db, endpoints := serveProduced(t)
	for i, endpoint := range endpoints {
		const lines = 3000
		var text strings.Builder
		for n := range lines {
			fmt.Fprintf(&text, "{\"celsius\":%d}\r\n\n", n)
		}
		begin := time.Now()
		if out := aimdbIn(t, strings.TrimSpace(text.String()), "produce", "attic.air", "--connect", endpoint).ok(t); out != "" {
			t.Errorf("%s printed %q", endpoint, out)
		}
		t.Logf("%s: %v", endpoint, time.Since(begin))
		if err := db.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		rows, err := embedded.QueryRange[producedReading](t.Context(), db, "attic.air", time.Time{}, time.Time{})
		if err != nil || len(rows) != (i+1)*lines+i*2 {
			t.Fatalf("%s: %d rows, %v", endpoint, len(rows), err)
		}
		for n, row := range rows[len(rows)-lines:] {
			if row.Value.Celsius != float64(n) {
				t.Fatalf("%s: row %d is %v", endpoint, n, row.Value)
			}
		}
		long := `"` + strings.Repeat("x", maxProducedLine) + `"`
		r := aimdbIn(t, `{"celsius":1}`+"\n"+`{"celsius":"warm"}`+"\n\nNaN\n{\n"+long+"\n"+`{"celsius":2}`, "produce", "attic.air", "--connect", endpoint)
		r.fails(t, exitFailed, "line 2: ", "(at /celsius)", "line 4: ", "line 5: ", "line 6: it has more than 8 MiB", "4 lines refused; 2 lines logged")
	}
	aimdbIn(t, "", "produce", "attic.air", "--connect", endpoints[0]).ok(t)
	for _, endpoint := range endpoints {
		aimdbIn(t, "1\n2\n", "produce", "attic.lamp", "--connect", endpoint).fails(t, exitFailed, "not known to be logged", "not persisted")
		aimdbIn(t, "1\n2\n", "produce", "attic.absent", "--connect", endpoint).fails(t, exitFailed, "line 1: ", "line 2: ", "not writable", "2 lines refused; 0 lines logged")
	}
	aimdbIn(t, "1", "produce", "a b", "--connect", endpoints[0]).fails(t, exitUsage)
}

// TestProduceToAnOlderServer: one that does not know logged answers as it always did, and
// produce does not take that as an acknowledgement.
func TestProduceToAnOlderServer(t *testing.T) {
	socket := serveScript(t, func(conn net.Conn, frame string) {
		if strings.Contains(frame, `"hello"`) {
			replyTo(conn, frame, `"ok":{"version":"3.0","server":"aimdb","permissions":["read","write"],"writable_records":["a"]}`)
			return
		}
		replyTo(conn, frame, `"ok":{"status":"success","value":1}`)
	})
	aimdbIn(t, "1\n2\n", "produce", "a", "--connect", socket).fails(t, exitFailed, "line 1: ", "not known to be logged", "older", "0 lines logged")
}

// TestProduceLosesTheServer: what was not acknowledged is said.
func TestProduceLosesTheServer(t *testing.T) {
	answered := 0
	socket := serveScript(t, func(conn net.Conn, frame string) {
		switch {
		case strings.Contains(frame, `"hello"`):
			replyTo(conn, frame, `"ok":{"version":"3.0","server":"aimdb","permissions":["read","write"],"writable_records":["a"]}`)
		case answered == 3:
			_ = conn.Close()
		default:
			answered++
			replyTo(conn, frame, `"ok":{"status":"success","logged":true}`)
		}
	})
	aimdbIn(t, strings.Repeat("1\n", 100), "produce", "a", "--connect", socket).fails(t, exitFailed, "line ", "3 lines logged")
}

// TestProduceEndsAfterInterrupt: Ctrl-C ends the command while its input stays open, after
// what was read is acknowledged.
func TestProduceEndsAfterInterrupt(t *testing.T) {
	db, endpoints := serveProduced(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Getenv(binaryVariable), "produce", "attic.air", "--connect", endpoints[0])
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintln(stdin, `{"celsius":7}`); err != nil {
		t.Fatal(err)
	}
	for db.Ingest().Counts().Accepted == 0 && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond) // there is no event for a value that is set
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
		t.Errorf("%v: %s", err, stderr.String())
	}
}
