package weather

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/console"
	"github.com/aimdb-go/aimdb/httpapi"
	"github.com/aimdb-go/aimdb/metrics"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// keep is the age limit of the history.
const keep = 7 * 24 * time.Hour

// Run opens the data directory and runs the hub until ctx ends or a part of it
// fails. It returns nil after ctx has ended.
func Run(ctx context.Context, o Options) error {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	cities, err := LoadCities(o)
	if err != nil {
		return err
	}
	db, err := open(o)
	if err != nil {
		return err
	}
	h, err := newHub(db, cities, o)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	var greeting sync.WaitGroup
	greeting.Go(func() {
		select {
		case <-db.Ready():
			h.greet()
			close(h.greeted)
		case <-ctx.Done():
		}
	})
	err = db.Run(ctx)
	cancel()
	greeting.Wait()
	return err
}

// open opens the database as the options configure it.
func open(o Options) (*aimdb.DB, error) {
	if o.DataDir == "" {
		return nil, errors.New("no data directory; the hub needs one for its history")
	}
	if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the data directory: %w; choose a directory with write permission", err)
	}
	store, err := sqlite.Open(filepath.Join(o.DataDir, "history.db"), sqlite.Logger(o.Logger))
	if err != nil {
		return nil, err
	}
	options := []aimdb.Option{
		aimdb.Name("hub"),
		aimdb.Dir(o.DataDir),
		aimdb.WithPersistence(store, keep),
		aimdb.Retain("hub.settings", aimdb.Retention{MaxRows: 1}), // kept whatever its age
		aimdb.MigrateAtStart(), // a directory of an earlier version has the times of the writes
		aimdb.Logger(o.Logger),
	}
	if o.Log != nil {
		options = append(options, aimdb.Log(*o.Log))
	}
	for _, endpoint := range o.AimX {
		if on(endpoint) {
			options = append(options, aimdb.Gateway(endpoint))
		}
	}
	web := http.NewServeMux()
	web.Handle("/", Page())
	if on(o.HTTP) {
		options = append(options, aimdb.HTTP(o.HTTP, web))
	}
	if on(o.TCP) {
		options = append(options, aimdb.TCP(o.TCP))
	}
	if on(o.HTTP) || on(o.TCP) {
		options = append(options, aimdb.TLS(o.TLS), aimdb.Tokens(o.Tokens...))
	}
	if on(o.NATS) {
		options = append(options, aimdb.NATS(o.NATS))
	}
	db, err := aimdb.New(options...)
	if err != nil {
		return nil, err
	}
	api := httpapi.New(db)
	web.Handle("/api", api)
	web.Handle("/api/", api)
	scraped, err := metrics.Handler(db, metrics.New(db))
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	web.Handle("/metrics", scraped)
	pages := console.New(db)
	web.Handle("/console", pages)
	web.Handle("/console/", pages)
	return db, nil
}

// on reports whether an address asks for a listener.
func on(address string) bool { return address != "" && address != "off" }
