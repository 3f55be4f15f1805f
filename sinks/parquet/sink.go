package parquet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
)

const (
	stagingDir = "staging"
	tmpDir     = "tmp"
	// maxWaiting is the number of closed staged files from which on Write fails.
	maxWaiting = 16
)

// Sink stages batches and converts what is staged into Parquet files. Its methods can
// be called from several goroutines.
type Sink struct {
	Config
	staging *ndjson.Sink
	// wake says that a staged file was closed.
	wake chan struct{}
	stop context.CancelFunc
	// ended is closed when the converting goroutine has ended.
	ended chan struct{}

	// work is held while files are converted and deleted.
	work sync.Mutex

	mu        sync.Mutex
	converted []converted
	// failed is the error of the last conversion.
	failed error
}

// converted is what retention needs to know of a manifest.
type converted struct {
	source   string
	bytes    int64
	lastTime int64
	damaged  bool
}

var _ sinks.Sink = (*Sink)(nil)

// Open opens the sink in a directory. It takes what an earlier process left: see the
// description of the package. The error is ndjson.ErrInUse if somebody else writes to the
// directory. The caller closes the sink when no batches come any more.
func Open(ctx context.Context, c Config) (*Sink, error) {
	c, err := c.withDefaults()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("open the Parquet sink %s: %w", c.Dir, err)
	}
	s := &Sink{Config: c, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	if err := s.start(); err != nil {
		return nil, fmt.Errorf("open the Parquet sink %s: %w", c.Dir, err)
	}
	working, stop := context.WithCancel(context.Background())
	s.stop = stop
	go s.run(working)
	return s, nil
}

func (s *Sink) start() (err error) {
	// It has the lock of the directory, and comes first.
	s.staging, err = ndjson.Open(filepath.Join(s.Dir, stagingDir), ndjson.Name(s.Config.Name), ndjson.Logger(s.Logger),
		ndjson.RotateBytes(s.RotateBytes), ndjson.RotateEvery(s.RotateEvery), ndjson.Sequences())
	if err != nil {
		return err
	}
	if err := s.prepare(); err != nil {
		return errors.Join(err, s.staging.Close())
	}
	return nil
}

// prepare removes what a killed process left under tmp, and reads the manifests.
func (s *Sink) prepare() error {
	tmp := filepath.Join(s.Dir, tmpDir)
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	for _, dir := range []string{tmp, filepath.Join(s.Dir, manifestDir)} {
		if err := os.MkdirAll(dir, privateDir); err != nil {
			return err
		}
	}
	all, err := ReadManifests(s.Dir)
	for _, m := range all {
		s.converted = append(s.converted, summary(m))
	}
	return errors.Join(err, syncDir(s.Dir))
}

func summary(m Manifest) converted {
	return converted{m.Source, m.bytes(), m.lastTime(), m.DamagedRows > 0}
}

// Name implements sinks.Sink.
func (s *Sink) Name() string { return s.staging.Name() }

// Checkpoint implements sinks.Sink.
func (s *Sink) Checkpoint(ctx context.Context) (history.Position, error) {
	return s.staging.Checkpoint(ctx)
}

// Write implements sinks.Sink. It refuses what package ndjson refuses.
func (s *Sink) Write(ctx context.Context, b *sinks.Batch) error {
	waiting := len(s.waiting())
	if waiting > maxWaiting {
		return s.behind(waiting)
	}
	if err := s.staging.Write(ctx, b); err != nil {
		return err
	}
	if waiting > 0 || len(s.waiting()) > 0 {
		select {
		case s.wake <- struct{}{}:
		default: // it is awake
		}
	}
	return nil
}

// waiting lists the staged files to convert, oldest first.
func (s *Sink) waiting() (files []ndjson.File) {
	for _, f := range s.staging.Files() {
		if _, ok := s.find(f.Name); !ok {
			files = append(files, f)
		}
	}
	return files
}

func (s *Sink) find(source string) (c converted, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range slices.Backward(s.converted) {
		if c.source == source {
			return c, true
		}
	}
	return converted{}, false
}

func (s *Sink) behind(waiting int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return fmt.Errorf("write to %s: %d staged files wait for their conversion, which fails: %w", s.Dir, waiting, s.failed)
	}
	return fmt.Errorf("write to %s: %d staged files wait for their conversion, which is slower than what is written", s.Dir, waiting)
}

// Rotate closes the staged file if it has rows, and converts all closed ones, for
// example before a query. It returns the error of a conversion.
func (s *Sink) Rotate(ctx context.Context) error {
	if err := s.staging.Rotate(); err != nil {
		return err
	}
	return s.convertAll(ctx)
}

// Close stops a running conversion, which the next Open does again, and gives the
// directory back. What is staged stays staged.
func (s *Sink) Close() error {
	s.stop()
	<-s.ended
	return s.staging.Close()
}

// run converts until the context ends.
func (s *Sink) run(ctx context.Context) {
	defer close(s.ended)
	midnight := time.NewTimer(untilMidnight(time.Now()))
	defer midnight.Stop()
	for {
		wake, again := (<-chan struct{})(s.wake), (<-chan time.Time)(nil)
		if err := s.convertAll(ctx); err != nil && ctx.Err() == nil {
			s.Logger.Error("the Parquet sink cannot convert staged files; it tries again", "error", err, "after", retryAfter)
			wake, again = nil, time.After(retryAfter)
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-again:
		case <-midnight.C:
			midnight.Reset(untilMidnight(time.Now()))
			if err := s.staging.Rotate(); err != nil {
				s.Logger.Error("the Parquet sink cannot close a staged file as the day ends; a later batch closes it", "error", err)
			}
		}
	}
}

// untilMidnight is the time until the next UTC day.
func untilMidnight(now time.Time) time.Duration {
	now = now.UTC()
	return time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, time.UTC).Sub(now)
}
