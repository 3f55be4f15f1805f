package aimdb_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
)

// TestShutdownDuringSets: while clients set values, make records, replace grants and limits,
// a shutdown ends, no wait for the log outlives it, and every acknowledged value is stored.
func TestShutdownDuringSets(t *testing.T) {
	const senders = 8
	dir := t.TempDir()
	declare := func(string) ([]aimdb.RecordOption, error) {
		return []aimdb.RecordOption{aimdb.Ring(2), aimdb.Persist(), aimdb.Remote(), aimdb.Writable()}, nil
	}
	db := open(t, dir, aimdb.Dynamic(1000, declare))
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- db.Run(ctx) }()
	<-db.Ready()
	logged := make([]map[string]bool, senders)
	var wg sync.WaitGroup
	var begun sync.WaitGroup
	begun.Add(senders)
	for i := range senders {
		logged[i] = map[string]bool{}
		wg.Go(func() {
			for n := 0; ; n++ {
				if n == 100 {
					begun.Done()
				}
				name, value := fmt.Sprintf("r%d.n%d", i%3, n/50), fmt.Sprintf("\"%d-%d\"", i, n)
				p, err := db.Ingest().SetLogged(context.Background(), nil, name, json.RawMessage(value))
				if err == nil {
					err = p.Wait(context.Background())
				}
				if err != nil {
					if n < 100 {
						begun.Done()
						t.Error(err)
					}
					return
				}
				logged[i][name+value] = true
			}
		})
	}
	begun.Wait()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for n := 0; n < 200; n++ {
			if err := errors.Join(db.Access().Replace(nil, nil), db.ReplaceRetention(nil, time.Hour, 0)); err != nil {
				t.Error(err)
			}
			if _, err := aimdb.AddJSON(db, fmt.Sprintf("added.n%d", n), aimdb.Persist()); err != nil {
				return
			}
		}
	}()
	cancel()
	if err := <-ran; err != nil && !strings.Contains(err.Error(), "accepted and not logged") { // the senders go on to the end, and are told
		t.Error(err)
	}
	<-ended
	wg.Wait()

	db = open(t, dir, aimdb.Dynamic(1000, declare))
	defer start(t, db)()
	have := map[string]bool{}
	rows, err := aimdb.QueryRange[json.RawMessage](t.Context(), db, "#", time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		have[row.Record+string(row.Value)] = true
	}
	total := 0
	for _, all := range logged {
		for v := range all {
			if total++; !have[v] {
				t.Errorf("%s was acknowledged and is not stored", v)
			}
		}
	}
	if total < senders*100 {
		t.Errorf("only %d values were acknowledged", total)
	}
}
