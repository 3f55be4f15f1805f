//go:build interop

package interop

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// TestNATSPublish: what a person with the nats command sets by publishing.
func TestNATSPublish(t *testing.T) {
	type reading struct {
		Celsius float64 `json:"celsius"`
	}
	nats := tool(t, "nats")
	dir := t.TempDir()
	store, err := sqlite.Open(dir + "/history.db")
	if err != nil {
		t.Fatal(err)
	}
	db, err := aimdb.New(aimdb.Dir(dir), aimdb.WithPersistence(store, time.Hour), aimdb.NATS("127.0.0.1:0"), aimdb.ServiceWrites("attic.#"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := aimdb.Register[reading](db, "attic::air", aimdb.Ring(16), aimdb.Persist(), aimdb.Writable()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	<-db.Ready()
	command := func(args ...string) string {
		out := run(t, nats, append([]string{"--server", db.Addresses().NATS}, args...)...)
		t.Logf("nats %s\n%s", strings.Join(args, " "), out)
		return out
	}
	for end := time.Now().Add(time.Minute); ; { // there is no event for a service that begins
		out, err := try(t, nats, "--server", db.Addresses().NATS, "req", "aimdb.aimdb.rpc.hello", "")
		if err == nil && strings.Contains(out, `"version"`) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if out := command("req", "aimdb.aimdb.set.attic.air", `{"celsius":1}`); !strings.Contains(out, `{"logged":true}`) {
		t.Errorf("nats req prints %s", out)
	}
	command("pub", "aimdb.aimdb.set.attic.air", `{"celsius":{{Count}}}`, "--count", "50")
	for body, says := range map[string]string{`{"celsius":"warm"}`: `"path":"/celsius"`, `warm`: "500"} {
		if out := command("req", "aimdb.aimdb.set.attic.air", body); !strings.Contains(out, says) {
			t.Errorf("nats req %s prints %s", body, out)
		}
	}
	if out := command("req", "aimdb.aimdb.set.cellar.air", `{"celsius":1}`); !strings.Contains(out, "403") {
		t.Errorf("nats req prints %s", out)
	}
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, err := aimdb.QueryRange[reading](t.Context(), db, "attic::air", time.Time{}, time.Time{})
	if err != nil || len(rows) != 51 || rows[50].Value.Celsius != 50 {
		t.Errorf("%d rows, %v: %v", len(rows), err, rows)
	}
	if counts := db.Ingest().Counts(); counts.Accepted != 51 || counts.Refused["invalid"] != 2 || counts.Refused["denied"] != 1 {
		t.Errorf("counted %+v", counts)
	}
}
