package ndjson

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aimdb-go/aimdb/sinks"
)

const (
	closedSuffix = ".ndjson.zst"
	openSuffix   = closedSuffix + ".open"
)

// fileName names a file by its number and by when it was made.
func fileName(number int, made time.Time) string {
	return fmt.Sprintf("%08d-%s%s", number, made.UTC().Format("20060102T150405Z"), openSuffix)
}

// fileNumber returns the number in the name of a data file, 0 for other files.
func fileNumber(name string) int {
	if !strings.HasSuffix(name, closedSuffix) && !strings.HasSuffix(name, openSuffix) {
		return 0
	}
	digits, _, _ := strings.Cut(name, "-")
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}

// due reports whether the open file must be closed before a batch.
func (s *Sink) due(b *sinks.Batch) bool {
	if s.open == nil || s.open.length == 0 {
		return false
	}
	if s.open.length >= s.rotateBytes {
		return true
	}
	if s.state.File.Rows == 0 {
		return false
	}
	at := s.state.Position
	return b.Checkpoint.Log != at.Log || b.Checkpoint.Sequence < at.Sequence ||
		time.Since(time.UnixMilli(s.state.File.Opened)) >= s.rotateEvery
}

// rotate gives the open file its final name and its line in the manifest. If it fails,
// the next batch or call goes on where it stopped.
func (s *Sink) rotate() error {
	if s.open != nil {
		if err := s.finish(); err != nil {
			return err
		}
	}
	return s.manifest.store()
}

func (s *Sink) finish() error {
	if err := s.open.ready(); err != nil {
		return err
	}
	name := strings.TrimSuffix(s.open.path, openSuffix) + closedSuffix
	line := describe(name, s.state, s.open)
	// Some systems rename no open file.
	if err := s.open.close(); err != nil {
		return err
	}
	if err := os.Rename(s.open.path, name); err != nil {
		return err
	}
	s.open, s.state.File = nil, facts{}
	s.manifest.add(line)
	return syncDir(s.dir)
}

// create makes the next open file.
func (s *Sink) create() error {
	now := time.Now()
	open, err := createFile(s.path(fileName(s.number+1, now)))
	if err != nil {
		return err
	}
	s.number++
	s.open, s.state.File = open, facts{Opened: now.UnixMilli()}
	return nil
}

// describe returns the line of a file in the manifest.
func describe(path string, h head, o *openFile) File {
	return File{
		Name: filepath.Base(path), Bytes: o.length, SHA256: o.sum(), Rows: h.File.Rows, Log: h.Position.Log,
		FirstSequence: h.File.FirstSequence, LastSequence: h.File.LastSequence,
		FirstTime: h.File.FirstTime, LastTime: h.File.LastTime,
	}
}
