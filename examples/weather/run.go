package weather

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// keep is how long the history reaches back.
const keep = 7 * 24 * time.Hour

// Run opens the data directory and runs the hub until ctx ends or a part of
// it fails. It returns nil when ctx has ended it.
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

// open opens the database with what the options say.
func open(o Options) (*aimdb.DB, error) {
	if o.DataDir == "" {
		return nil, errors.New("the hub needs a data directory for its history: name one")
	}
	if err := os.MkdirAll(o.DataDir, 0o755); err != nil {
		return nil, fmt.Errorf("making the data directory: %w; choose one that may be written to", err)
	}
	store, err := sqlite.Open(filepath.Join(o.DataDir, "history.db"), sqlite.Logger(o.Logger))
	if err != nil {
		return nil, err
	}
	options := []aimdb.Option{
		aimdb.Name("hub"),
		aimdb.Dir(o.DataDir),
		aimdb.WithPersistence(store, keep),
		aimdb.Retain("hub.settings", aimdb.Retention{MaxRows: 1}), // however old it is
		aimdb.Logger(o.Logger),
	}
	for _, endpoint := range o.AimX {
		if on(endpoint) {
			options = append(options, aimdb.Gateway(endpoint))
		}
	}
	if on(o.HTTP) {
		options = append(options, aimdb.HTTP(o.HTTP, Page()))
	}
	if on(o.NATS) {
		options = append(options, aimdb.NATS(o.NATS))
	}
	return aimdb.New(options...)
}

// on says whether an address asks for a listener.
func on(address string) bool { return address != "" && address != "off" }
