package ndjson

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// retryDelete is how long retention waits after an error.
const retryDelete = time.Minute

// retain deletes the oldest closed files beyond the limits. An error is logged, and
// does not hold up batches.
func (s *Sink) retain() {
	if !time.Now().Before(s.sparing) {
		if err := s.deleteOldest(); err != nil {
			s.sparing = time.Now().Add(retryDelete)
			s.logger.Error("the ndjson sink cannot delete old files; it tries again", "error", err, "after", retryDelete)
		}
	}
}

func (s *Sink) deleteOldest() error {
	n := s.surplus()
	if n == 0 {
		return nil
	}
	var err error
	gone := 0
	for _, f := range s.manifest.files[:n] {
		if err = os.Remove(s.path(f.Name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("delete an old file: %w", err)
			break
		}
		err = nil
		gone++
		s.logger.Info("the ndjson sink deleted an old file", "file", s.path(f.Name), "rows", f.Rows, "last_time", f.LastTime)
	}
	if gone == 0 {
		return err
	}
	s.manifest.files, s.manifest.stale = s.manifest.files[gone:], true
	return errors.Join(err, syncDir(s.dir), s.manifest.store())
}

// surplus is the number of files to delete, oldest first.
func (s *Sink) surplus() (n int) {
	if s.keepFor == 0 && s.keepBytes == 0 {
		return 0
	}
	total := int64(0)
	files := s.manifest.files
	for _, f := range files {
		total += f.Bytes
	}
	if s.open != nil && s.open.length > 0 {
		total += s.open.length
	} else { // the newest closed file has the checkpoint
		files = files[:max(0, len(files)-1)]
	}
	for _, f := range files {
		old := s.keepFor > 0 && time.Since(time.UnixMilli(f.LastTime)) > s.keepFor
		if !old && (s.keepBytes == 0 || total <= s.keepBytes) {
			break
		}
		total -= f.Bytes
		n++
	}
	return n
}

// Delete deletes closed files that are copied elsewhere. It keeps the newest data file,
// which has the checkpoint, and ignores files that are not there.
func (s *Sink) Delete(names ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("delete files of %s: %w", s.dir, ErrClosed)
	}
	keep := s.manifest.files[:0:0]
	for i, f := range s.manifest.files {
		newest := i == len(s.manifest.files)-1 && (s.open == nil || s.open.length == 0)
		if newest || !slices.Contains(names, f.Name) {
			keep = append(keep, f)
			continue
		}
		if err := os.Remove(s.path(f.Name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("delete a copied file: %w", err)
		}
	}
	if len(keep) == len(s.manifest.files) {
		return nil
	}
	s.manifest.files, s.manifest.stale = keep, true
	return errors.Join(syncDir(s.dir), s.manifest.store())
}
