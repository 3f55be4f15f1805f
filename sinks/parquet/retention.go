package parquet

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/aimdb-go/aimdb/sinks/ndjson"
)

// retain deletes the oldest Parquet files beyond the limits, all of a manifest together.
// The manifest goes last, so that a killed process goes on where it stopped.
func (s *Sink) retain() error {
	for {
		oldest, ok := s.surplus()
		if !ok {
			return nil
		}
		// A damaged staged file goes with what was made of it. The newest one stays,
		// and would be converted again without its manifest.
		if err := s.staging.Delete(oldest.source); err != nil {
			return err
		}
		if slices.ContainsFunc(s.staging.Files(), func(f ndjson.File) bool { return f.Name == oldest.source }) {
			return nil
		}
		if err := s.remove(oldest.source); err != nil {
			return fmt.Errorf("delete old Parquet files: %w", err)
		}
		s.Logger.Info("the Parquet sink deleted old files", "source", oldest.source, "bytes", oldest.bytes, "last_time", oldest.lastTime)
		s.mu.Lock()
		s.converted = s.converted[1:]
		s.mu.Unlock()
	}
}

// surplus returns the oldest manifest if its files are beyond the limits.
func (s *Sink) surplus() (oldest converted, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.converted) == 0 {
		return converted{}, false
	}
	total := int64(0)
	for _, c := range s.converted {
		total += c.bytes
	}
	oldest = s.converted[0]
	old := s.KeepFor > 0 && time.Since(time.UnixMilli(oldest.lastTime)) > s.KeepFor
	return oldest, old || s.KeepBytes > 0 && total > s.KeepBytes
}

// remove deletes the files of a manifest, the directories that get empty, and then the
// manifest.
func (s *Sink) remove(source string) error {
	m, err := readManifest(s.Dir, source)
	if errors.Is(err, os.ErrNotExist) {
		return nil // somebody deleted it
	}
	if err != nil {
		return err
	}
	for _, f := range m.Files {
		file := filepath.Join(s.Dir, filepath.FromSlash(f.Name))
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := s.tidy(path.Dir(f.Name)); err != nil {
			return err
		}
	}
	if err := os.Remove(manifestPath(s.Dir, source)); err != nil {
		return err
	}
	return syncDir(filepath.Join(s.Dir, manifestDir))
}

// tidy removes the directories of a day and of a record if they are empty, and syncs
// where something was removed.
func (s *Sink) tidy(day string) error {
	for dir := day; dir != "."; dir = path.Dir(dir) {
		full := filepath.Join(s.Dir, filepath.FromSlash(dir))
		held, err := os.ReadDir(full)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if len(held) > 0 {
			return syncDir(full)
		}
		if err := os.Remove(full); err != nil {
			return err
		}
	}
	return syncDir(s.Dir)
}
