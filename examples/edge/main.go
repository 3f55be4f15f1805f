// Command edge is a site: a database with one record that joins a hub as a leaf node. It
// stores what it produces in its own directory, whether the hub can be reached or not.
//
// A hub and two sites on one machine, each in a terminal of its own:
//
//	go run ./cmd/aimdb hub --dir edge-data/hub --site north --site south
//	go run ./examples/edge north
//	go run ./examples/edge south
//
// Then go run ./cmd/aimdb hub verify edge-data/hub says what the hub has of both. Stop
// the hub or a site for a while, or kill it, and start it again: the hub catches up.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// Reading is the value of the record.
type Reading struct {
	Number  int     `json:"number"`
	Celsius float64 `json:"celsius"`
}

func main() {
	hub := flag.String("hub", "nats-leaf://127.0.0.1:7422", "URL of the hub's port for leaf nodes")
	dir := flag.String("dir", "edge-data", "directory that has one for each site")
	every := flag.Duration("every", 200*time.Millisecond, "time between two values")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "give the name of the site, such as edge north")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, flag.Arg(0), *hub, *dir, *every); err != nil {
		log.Fatal(err)
	}
}

// run produces values until ctx ends.
func run(ctx context.Context, site, hub, dir string, every time.Duration) error {
	dir = filepath.Join(dir, site)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		return err
	}
	db, err := aimdb.New(
		aimdb.Name(site), aimdb.Dir(dir), aimdb.WithPersistence(store, 0),
		aimdb.Leaf(aimdb.LeafRemote{URLs: []string{hub}}),
		aimdb.Logger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))),
	)
	if err != nil {
		return err
	}
	outdoor, err := aimdb.Register[Reading](db, "temperature::outdoor", aimdb.Ring(1000), aimdb.Persist(), aimdb.Remote())
	if err != nil {
		return errors.Join(err, db.Close())
	}
	produced := make(chan error, 1)
	go func() {
		select {
		case <-db.Ready():
			produced <- produce(ctx, outdoor, every)
		case <-ctx.Done():
			produced <- nil
		}
	}()
	if err := db.Run(ctx); err != nil {
		return err
	}
	return <-produced
}

// produce continues with the number after that of the last value, and prints each number
// that is safe from a kill.
func produce(ctx context.Context, outdoor *aimdb.Record[Reading], every time.Duration) error {
	number := 0
	if last, ok := outdoor.Latest(); ok {
		number = last.Number
	}
	for ticker := time.NewTicker(every); ; {
		select {
		case <-ctx.Done():
			ticker.Stop()
			return nil
		case <-ticker.C:
		}
		number++
		celsius := 10 + float64(number%100)/10
		if err := outdoor.ProduceLogged(ctx, Reading{number, celsius}); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("log value %d: %w", number, err)
		}
		fmt.Println(number)
	}
}
