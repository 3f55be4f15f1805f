package hub_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/hub"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks/pump"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// A pump stores all sites of a hub in one history, and goes on where it ended.
func TestASinkReadsAllSites(t *testing.T) {
	t.Parallel()
	h := openHub(t, t.TempDir(), hub.Config{}, "north", "south")
	h.run(t)
	north := startSite(t, t.TempDir(), "north", h.server.LeafAddr())
	south := startSite(t, t.TempDir(), "south", h.server.LeafAddr())
	path := filepath.Join(t.TempDir(), "history.db")
	for round := range 2 {
		north.produce(t, 5)
		south.produce(t, 3)
		h.await(t, "north")
		h.await(t, "south")
		h.store(t, path)
		for record, n := range map[string]int{"north.room::open": 5, "south.room::open": 3} {
			if got, want := storedValues(t, path, record), upTo((round+1)*n); !slices.Equal(got, want) {
				t.Errorf("the history has %v of %s, want %v", got, record, want)
			}
		}
	}
	if _, err := bus.OpenHub(deadline(t), h.server, bus.Config{Name: "other"}); err == nil {
		t.Error("a hub was opened that is not there")
	}
}

// store stores what the hub has now.
func (h *center) store(t *testing.T, path string) {
	t.Helper()
	log, err := bus.OpenHub(deadline(t), h.server, bus.Config{Name: "hub", Logger: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := pump.New(pump.Config{Source: pump.FromBus(log), Sink: store, Logger: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done, written := make(chan error, 1), make(chan error, 1)
	go func() { written <- store.Run(ctx) }()
	go func() {
		done <- p.Run(ctx)
		stop()
	}()
	last, err := log.LastSequence(deadline(t))
	if err == nil {
		err = p.WaitStored(ctx, last)
	}
	stop()
	if err := errors.Join(err, <-done, <-written); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}

func storedValues(t *testing.T, path, record string) (all []string) {
	t.Helper()
	store, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	q := history.LatestQuery{Pattern: key.WirePattern(record), Limit: 1000, By: history.ByStoring}
	for row, err := range store.Latest(deadline(t), q) {
		if err != nil {
			t.Fatal(err)
		}
		if row.Record == record {
			all = append(all, fmt.Sprint(string(row.Value)))
		}
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return all
}
