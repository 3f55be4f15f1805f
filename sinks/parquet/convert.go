package parquet

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/aimdb-go/aimdb/sinks/ndjson"
)

const (
	// retryAfter is how long the sink waits after a conversion that failed.
	retryAfter = time.Minute
	// checkEvery is after how many rows a conversion looks whether it must end.
	checkEvery = 1024
)

// convertAll converts the closed staged files, and deletes what is not needed any more.
func (s *Sink) convertAll(ctx context.Context) error {
	s.work.Lock()
	defer s.work.Unlock()
	err := s.convertWaiting(ctx)
	if err == nil {
		err = s.clean()
	}
	if err == nil {
		err = s.retain()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = err
	return err
}

func (s *Sink) convertWaiting(ctx context.Context) error {
	for _, staged := range s.waiting() {
		m, err := s.convert(ctx, staged)
		if err != nil {
			return fmt.Errorf("convert the staged file %s: %w", s.stagedPath(staged.Name), err)
		}
		s.mu.Lock()
		s.converted = append(s.converted, summary(m))
		s.mu.Unlock()
	}
	return nil
}

func (s *Sink) stagedPath(name string) string { return filepath.Join(s.Dir, stagingDir, name) }

// convert makes the Parquet files of a staged file, and then its manifest.
func (s *Sink) convert(ctx context.Context, staged ndjson.File) (m Manifest, err error) {
	tmp := filepath.Join(s.Dir, tmpDir)
	rows := newSorter(tmp)
	defer func() { err = errors.Join(err, rows.close()) }()
	read, written, timed := int64(0), int64(0), false
	for e, err := range ndjson.Entries(s.stagedPath(staged.Name)) {
		if err == nil && read%checkEvery == 0 {
			err = ctx.Err()
		}
		if err == nil {
			written = max(written, e.Time)
			if e.Timed { // the files have its own time only
				timed, e.Time, e.Timed = true, e.Event, false
			}
			err = rows.add(e)
		}
		if err != nil {
			return m, err
		}
		read++
	}
	t := &tree{dir: s.Dir, tmp: tmp, prefix: prefix(staged.Name), fileMode: privateFile, dirMode: privateDir}
	if err := t.take(ctx, rows); err != nil {
		return m, err
	}
	m = Manifest{Source: staged.Name, Log: staged.Log, DamagedRows: max(0, staged.Rows-read), Files: t.files}
	if timed {
		m.LastWrite = written
	}
	if err := m.store(s.Dir); err != nil {
		return m, err
	}
	if m.DamagedRows > 0 {
		s.Logger.Error("rows of a staged file of the Parquet sink are damaged and cannot be read; the file is kept, restore it from a copy",
			"file", s.stagedPath(staged.Name), "rows", m.DamagedRows)
	}
	return m, nil
}

// prefix begins the names of the Parquet files of a staged file.
func prefix(staged string) string {
	name, _, _ := strings.Cut(staged, ".")
	return name + "-"
}

// clean deletes staged files that are converted and undamaged, but for the newest.
func (s *Sink) clean() error {
	var names []string
	for _, f := range s.staging.Files() {
		if c, ok := s.find(f.Name); ok && !c.damaged {
			names = append(names, f.Name)
		}
	}
	return s.staging.Delete(names...)
}
