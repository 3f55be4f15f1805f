package ndjson

import (
	"errors"
	"fmt"
	"os"
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
