package ndjson

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/filelock"
	"github.com/aimdb-go/aimdb/sinks"
)

// ErrClosed is the error of a sink that was closed.
var ErrClosed = errors.New("the sink is closed; open the directory again")

// ErrInUse is the error of Open when another process, or another sink of this one,
// writes to the directory.
var ErrInUse = filelock.ErrHeld

// The modes of what belongs to a sink: nobody but its user reads it.
const (
	privateFile = 0o600
	privateDir  = 0o700
)

// Sink writes batches into the files of a directory. Its methods can be called from
// several goroutines.
type Sink struct {
	options
	dir     string
	lock    *filelock.Lock
	encoder *zstd.Encoder

	mu     sync.Mutex
	closed bool
	// state is the head of the last block that was stored. Its File are the facts of
	// the open file.
	state head
	// open is nil until a batch comes after a rotation.
	open *openFile
	// number is that of the newest file.
	number   int
	manifest manifest
	// sparing is until when retention waits after an error.
	sparing time.Time
	lines   []byte
	frame   []byte
}

var _ sinks.Sink = (*Sink)(nil)

// Open opens the sink in a directory, and makes the directory if there is none. It
// takes what an earlier process left: see the description of the package. An error is
// ErrInUse if somebody else writes to the directory. The caller closes the sink when no
// batches come any more.
func Open(dir string, opts ...Option) (*Sink, error) {
	o, err := parseOptions(opts)
	if err != nil {
		return nil, fmt.Errorf("open the ndjson sink %s: %w", dir, err)
	}
	s := &Sink{options: o, dir: dir}
	if err := s.start(); err != nil {
		return nil, fmt.Errorf("open the ndjson sink %s: %w", dir, errors.Join(err, s.Close()))
	}
	return s, nil
}

func (s *Sink) start() (err error) {
	if s.encoder, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1)); err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, privateDir); err != nil {
		return err
	}
	if s.lock, err = filelock.Take(filepath.Join(s.dir, "lock"), privateFile); err != nil {
		return err
	}
	if err := s.recover(); err != nil {
		return err
	}
	s.retain()
	return nil
}

// Name implements sinks.Sink.
func (s *Sink) Name() string { return s.name }

// Checkpoint implements sinks.Sink.
func (s *Sink) Checkpoint(ctx context.Context) (history.Position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return history.Position{}, fmt.Errorf("read the checkpoint of %s: %w", s.dir, ErrClosed)
	}
	return s.state.Position, ctx.Err()
}

// Files returns the closed files, oldest first.
func (s *Sink) Files() []File {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]File(nil), s.manifest.files...)
}

// Rotate closes the open file if it has rows, for example before a copy.
func (s *Sink) Rotate() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("rotate the files of %s: %w", s.dir, ErrClosed)
	}
	if s.state.File.Rows == 0 {
		return nil
	}
	if err := s.rotate(); err != nil {
		return fmt.Errorf("rotate the files of %s: %w", s.dir, err)
	}
	return nil
}

// Close gives the directory back. The open file stays open for the next Open.
func (s *Sink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var err error
	if s.open != nil {
		err = s.open.close()
	}
	return errors.Join(err, s.lock.Release())
}

func (s *Sink) path(name string) string { return filepath.Join(s.dir, name) }
