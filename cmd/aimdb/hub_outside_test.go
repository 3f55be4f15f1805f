package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	embedded "github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/bus/hub"
	"github.com/aimdb-go/aimdb/internal/natstest"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// A hub on a server of somebody else collects a site, and is verified there.
func TestHubOnAnOutsideServer(t *testing.T) {
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	leaf := port.Addr().String()
	if err := port.Close(); err != nil {
		t.Fatal(err)
	}
	server := natstest.Start(t, natstest.Options{Config: fmt.Sprintf("leafnodes { listen: %q }\n", leaf)})
	cmd := exec.Command(os.Getenv(binaryVariable), "hub", "--nats-url", server.URL, "--site", "north")
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	const values = 5
	runSite(t, "nats-leaf://"+leaf, values)
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		got := aimdb(t, "hub", "verify", "--nats-url", server.URL, "--format", "ndjson")
		var v hub.Verification
		if json.Unmarshal([]byte(got.stdout), &v) == nil && got.code == exitOK && v.Messages == values && v.Sites[0].Compared {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("status %d\n%s%s", got.code, got.stdout, got.stderr)
		}
	}
}

// runSite runs a database that joins a hub until the end of the test, with some values.
func runSite(t *testing.T, url string, values int) {
	t.Helper()
	dir := t.TempDir()
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := embedded.New(embedded.Name("north"), embedded.Dir(dir), embedded.WithPersistence(store, 0),
		embedded.Leaf(embedded.LeafRemote{URLs: []string{url}}), embedded.Logger(slog.New(slog.NewTextHandler(t.Output(), nil))))
	if err != nil {
		t.Fatal(err)
	}
	record, err := embedded.Register[int](db, "n", embedded.Ring(100), embedded.Persist(), embedded.Remote())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	<-db.Ready()
	for n := range values {
		if err := record.ProduceLogged(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
}
