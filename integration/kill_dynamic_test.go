package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
)

// dynamicSetters is how many goroutines of the child set keys.
const dynamicSetters = 8

// openDynamic opens a database that takes any key until it has made limit records, none if
// it is 0.
func openDynamic(dir, history string, limit int) (*aimdb.DB, error) {
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	store, err := openBackend(context.Background(), history, logger)
	if err != nil {
		return nil, err
	}
	opts := []aimdb.Option{aimdb.Name("kill"), aimdb.Dir(dir), aimdb.WithPersistence(store, 0), aimdb.Logger(logger)}
	if limit > 0 {
		opts = append(opts, aimdb.Dynamic(limit, func(string) ([]aimdb.RecordOption, error) {
			return []aimdb.RecordOption{aimdb.Latest(), aimdb.Persist(), aimdb.Writable()}, nil
		}))
	}
	return aimdb.New(opts...)
}

// runDynamic is a child process that sets new keys, and values of its first keys, and
// prints each key and value that is logged. It goes on after the values that came back.
func runDynamic(args []string) error {
	db, err := openDynamic(args[0], args[1], 1_000_000)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var out sync.Mutex
	for s := range dynamicSetters {
		go func() {
			<-db.Ready()
			for n := 1 + dynamicValue(db, fmt.Sprintf("first.%d", s)); ; n++ {
				for _, key := range []string{fmt.Sprintf("new.%d.%d", s, n), fmt.Sprintf("first.%d", s)} {
					p, err := db.Ingest().SetLogged(ctx, nil, key, json.RawMessage(fmt.Sprint(n)))
					if err == nil {
						err = p.Wait(ctx)
					}
					if err != nil {
						fmt.Fprintln(os.Stderr, "set", key, err)
						cancel()
						return
					}
					out.Lock()
					fmt.Println(key, n)
					out.Unlock()
				}
			}
		}()
	}
	return db.Run(ctx)
}

// dynamicValue returns the number that a record holds, 0 if there is none.
func dynamicValue(db *aimdb.DB, key string) (n int) {
	if u, known := db.Registry().Lookup(key); known {
		value, _, _, _ := u.Get()
		_ = json.Unmarshal(value, &n) // 0 if there is none
	}
	return n
}

// Records that were made for keys from outside are there after a kill, with what was
// acknowledged, as soon as the database is ready.
func TestKillWithDynamicRecords(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, dir, history string) {
		acked := map[string]int{}
		moments := randomMoments(t)
		for range rounds(t, 4/slower) {
			w := startChild(t, "dynamic", dir, history)
			if moments.IntN(4) > 0 {
				w.awaitAck(t)
			}
			killAfter(t, w, time.Duration(moments.IntN(200))*time.Millisecond)
			w.merge(acked)
		}
		w := startChild(t, "dynamic", dir, history)
		w.awaitAck(t)
		killAfter(t, w, 0)
		w.merge(acked)
		db, err := openDynamic(dir, history, 1_000_000)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- db.Run(ctx) }()
		select {
		case <-db.Ready():
		case err := <-done:
			t.Fatal(err)
		}
		for key, n := range acked {
			if got := dynamicValue(db, key); got < n {
				t.Errorf("%s is %d, and %d was acknowledged", key, got, n)
			}
		}
		t.Logf("%d keys were acknowledged", len(acked))
		if v, err := db.Verify(t.Context()); err != nil || v.Verdict != aimx.Complete {
			t.Errorf("verify: %+v, %v", v, err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
