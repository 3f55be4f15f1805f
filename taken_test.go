package aimdb_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/internal/natstest"
)

// TestServiceOfTheWriter: of two processes with one database on one server, the one that
// was opened last answers, and the other one ends although it writes nothing.
func TestServiceOfTheWriter(t *testing.T) {
	s := natstest.Start(t, natstest.Options{})
	opened := func(value int) (*aimdb.DB, <-chan error, context.CancelFunc) {
		db := open(t, t.TempDir(), aimdb.Name("db"), aimdb.Log(aimdb.Cluster{URLs: []string{s.URL}}))
		register[int](t, db, "a", aimdb.Latest(), aimdb.Remote()).Produce(value)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- db.Run(ctx) }()
		t.Cleanup(cancel)
		<-db.Ready()
		return db, ended, cancel
	}
	nc := dialNATS(t, s.URL)
	_, first, _ := opened(1)
	awaitService(t, nc, "db")
	if got := askService(t, nc, "aimdb.db.rpc.get.a", ""); got != "1" {
		t.Fatal(got)
	}
	_, second, stop := opened(2)
	select {
	case err := <-first:
		if !errors.Is(err, aimdb.ErrTakenOver) {
			t.Errorf("the first one ended with %v", err)
		}
	case err := <-second:
		t.Fatalf("the second one ended with %v", err)
	case <-time.After(time.Minute):
		t.Fatal("the first one still runs")
	}
	awaitService(t, nc, "db")
	for range 20 {
		if got := askService(t, nc, "aimdb.db.rpc.get.a", ""); got != "2" {
			t.Errorf("the answer is %s", got)
		}
	}
	stop()
	if err := <-second; err != nil {
		t.Error(err)
	}
}
