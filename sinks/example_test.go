package sinks_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gofrs/flock"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
)

// lineSink keeps each batch as one line of JSON, so that a batch is stored as a whole.
type lineSink struct {
	*os.File
	lock *flock.Flock
	end  int64            // of the last whole line
	at   history.Position // the checkpoint in that line
}

func openLines(path string) (*lineSink, error) {
	s := &lineSink{lock: flock.New(path + ".lock")}
	if alone, err := s.lock.TryLock(); err != nil || !alone { // rule 8: one process
		return nil, errors.Join(err, fmt.Errorf("%s is in use by another process", path))
	}
	var err error
	if s.File, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, errors.Join(err, s.lock.Unlock())
	}
	for lines := bufio.NewReader(s.File); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) { // what a crash has cut off is written over
			return s, nil
		}
		var b sinks.Batch
		if err = cmp.Or(err, json.Unmarshal(line, &b)); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: the line at byte %d: %w", path, s.end, err), s.Close())
		}
		s.at, s.end = b.Checkpoint, s.end+int64(len(line))
	}
}

func (s *lineSink) Close() error                                         { return errors.Join(s.File.Close(), s.lock.Unlock()) }
func (s *lineSink) Name() string                                         { return "lines" }
func (s *lineSink) Checkpoint(context.Context) (history.Position, error) { return s.at, nil }

func (s *lineSink) Write(_ context.Context, b *sinks.Batch) error {
	if err := sinks.CheckPrevious(b, s.at); err != nil { // rule 8
		return err
	}
	if err := sinks.Refuse(b, notJSON); err != nil { // rule 5: the pump makes them dead letters
		return err
	}
	line, err := json.Marshal(b)
	if err = errors.Join(err, s.Truncate(s.end)); err != nil { // removes what a failed write has left
		return err
	}
	_, err = s.WriteAt(append(line, '\n'), s.end)
	if err = errors.Join(err, s.Sync()); err != nil { // rule 2; rule 6: the pump tries again
		return err
	}
	s.at, s.end = b.Checkpoint, s.end+int64(len(line))+1
	return nil
}

func notJSON(e sinks.Entry) error { return json.Unmarshal(e.Value, new(any)) }
