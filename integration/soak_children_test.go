package integration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/cluster"
	"github.com/aimdb-go/aimdb/sinks/postgres"
	"github.com/aimdb-go/aimdb/sinks/process"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// soakValue is the nth value of a record in a run of the writing process.
type soakValue struct {
	Run int `json:"run"`
	N   int `json:"n"`
}

const (
	soakName = "soak"
	// soakLossy is a record that drops values, and soakBurst its values a line.
	soakLossy = "n::lossy"
	soakBurst = 10
)

// runSoakWriter is a child that writes until it is interrupted: into lossless records, of
// which it prints what was acknowledged as logged, and into a lossy one, of which it prints
// what it is about to write. Its arguments are the data directory, the servers, the
// replicas and the number of the run.
func runSoakWriter(args []string) error {
	replicas, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	run, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	db, err := aimdb.New(aimdb.Name(soakName), aimdb.Dir(args[0]), aimdb.DrainTimeout(time.Minute),
		aimdb.Log(aimdb.Cluster{URLs: strings.Split(args[1], ","), Replicas: replicas}),
		aimdb.Logger(slog.New(slog.NewTextHandler(os.Stderr, nil))))
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	w := &soakWriter{run: run, ready: db.Ready()}
	for _, key := range writerKeys() {
		r, err := aimdb.Register[soakValue](db, key, aimdb.Ring(64), aimdb.Persist(), aimdb.Lossless(aimdb.LogReader))
		if err != nil {
			return err
		}
		w.all.Go(func() { w.logged(ctx, r) })
	}
	r, err := aimdb.Register[soakValue](db, soakLossy, aimdb.Ring(64), aimdb.Persist())
	if err != nil {
		return err
	}
	w.all.Go(func() { w.lossy(ctx, r) })
	// The database ends after the writers, so that it drains all that they wrote.
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	go func() {
		w.all.Wait()
		end()
	}()
	return db.Run(running)
}

type soakWriter struct {
	run   int
	ready <-chan struct{}
	all   sync.WaitGroup
	out   sync.Mutex
}

func (w *soakWriter) print(key string, n int) {
	w.out.Lock()
	defer w.out.Unlock()
	fmt.Printf("%s/%d %d\n", key, w.run, n)
}

func (w *soakWriter) logged(ctx context.Context, r *aimdb.Record[soakValue]) {
	<-w.ready
	for n := 1; ctx.Err() == nil; n++ {
		if n%soakBurst != 0 {
			_ = r.Send(ctx, soakValue{w.run, n}) // fails only if the context ends
			continue
		}
		if err := r.ProduceLogged(ctx, soakValue{w.run, n}); err == nil {
			w.print(r.Key(), n)
		} else if !errors.Is(err, context.Canceled) {
			fmt.Fprintln(os.Stderr, "writer:", r.Key(), err)
			return // the test finds that nothing more is acknowledged
		}
		<-time.After(10 * time.Millisecond) // the load
	}
}

func (w *soakWriter) lossy(ctx context.Context, r *aimdb.Record[soakValue]) {
	<-w.ready
	load := time.NewTicker(10 * time.Millisecond)
	defer load.Stop()
	for n := 1; ctx.Err() == nil; <-load.C {
		w.print(soakLossy, n+soakBurst-1)
		for range soakBurst {
			r.Produce(soakValue{w.run, n})
			n++
		}
	}
}

// runSoakSink is a child that is a sink in a process of its own until it is interrupted, as
// aimdb sink run is. Its arguments are the kind, the store and the servers.
func runSoakSink(args []string) error {
	kind, target := args[0], args[1]
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	server, err := cluster.New(cluster.Config{URLs: strings.Split(args[2], ",")}, logger)
	if err != nil {
		return err
	}
	open := map[string]func(context.Context) (*process.Store, error){
		"sqlite": func(context.Context) (*process.Store, error) {
			s, err := sqlite.Open(target+"/history.db", sqlite.Name(kind), sqlite.Logger(logger))
			if errors.Is(err, sqlite.ErrInUse) {
				err = fmt.Errorf("%w: %w", process.ErrHeld, err)
			}
			if err != nil {
				return nil, err
			}
			return &process.Store{Sink: s, Run: s.Run, Pruner: s, Stats: s.Stats, Close: s.Close}, nil
		},
		"postgres": func(ctx context.Context) (*process.Store, error) {
			s, err := postgres.Open(ctx, postgres.Config{DSN: target, Name: kind, Logger: logger})
			if err != nil {
				return nil, err
			}
			return &process.Store{Sink: s, Run: s.Run, Pruner: s, Stats: s.Stats, Close: s.Close}, nil
		},
	}
	return process.Run(ctx, process.Config{
		Server: server, Log: bus.Config{Name: soakName, Shared: true, Logger: logger}, Sink: kind, Kind: kind, Target: kind,
		Open: open[kind], Wait: patience, DrainTimeout: patience, Logger: logger,
	})
}
