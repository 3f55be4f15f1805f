package ndjson

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// asideSuffix is that of a file in which no whole batch was found.
const asideSuffix = ".damaged"

// recover takes what an earlier process left in the directory.
func (s *Sink) recover() error {
	closed, open, err := s.dataFiles()
	if err != nil {
		return err
	}
	if err := s.readManifest(closed); err != nil {
		return err
	}
	for i, name := range open {
		if err := s.recoverOpen(name, i == len(open)-1); err != nil {
			return err
		}
	}
	if s.open == nil {
		if err := s.lastClosed(); err != nil {
			return err
		}
	}
	if s.state.Losses, err = s.cutLines(lossesName, s.state.Losses); err != nil {
		return err
	}
	if s.state.DeadLetters, err = s.cutLines(deadLettersName, s.state.DeadLetters); err != nil {
		return err
	}
	return s.manifest.store()
}

// dataFiles lists the data files, oldest first, and sets the greatest number.
func (s *Sink) dataFiles() (closed, open []string, err error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		name := e.Name()
		n := fileNumber(name)
		switch {
		case n == 0:
			continue
		case strings.HasSuffix(name, openSuffix):
			open = append(open, name)
		default:
			closed = append(closed, name)
		}
		s.number = max(s.number, n)
	}
	byNumber := func(a, b string) int { return fileNumber(a) - fileNumber(b) }
	slices.SortFunc(closed, byNumber)
	slices.SortFunc(open, byNumber)
	return closed, open, nil
}

// readManifest reads the manifest and makes it agree with the closed files.
func (s *Sink) readManifest(closed []string) error {
	s.manifest.dir = s.dir
	listed, err := ReadManifest(s.dir)
	if err != nil {
		return err
	}
	lines := map[string]File{}
	for _, f := range listed {
		lines[f.Name] = f
		if !slices.Contains(closed, f.Name) {
			s.logger.Info("a file of the ndjson sink was deleted", "file", s.path(f.Name), "rows", f.Rows)
		}
	}
	for _, name := range closed {
		line, ok := lines[name]
		if !ok {
			if line, err = s.examine(name); err != nil {
				return err
			}
		}
		s.manifest.add(line)
	}
	return nil
}

// examine makes the line of a closed file.
func (s *Sink) examine(name string) (File, error) {
	found, err := scanFile(s.path(name))
	if err != nil {
		return File{}, err
	}
	if found.damaged {
		s.logger.Error("a file of the ndjson sink is damaged", "error", found.damage(s.path(name)))
	}
	whole, err := hashFile(s.path(name), found.size)
	if err != nil {
		return File{}, err
	}
	line := describe(name, found.last, whole)
	line.DamagedRows = found.damagedRows
	return line, nil
}

// recoverOpen goes on with an open file if it is the last one and undamaged. Otherwise
// it is closed, or set aside if it has no whole batch.
func (s *Sink) recoverOpen(name string, last bool) error {
	path := s.path(name)
	found, err := scanFile(path)
	if err != nil {
		return err
	}
	if found.blocks == 0 {
		return s.setAside(path, found.size)
	}
	if found.size > found.length {
		s.logger.Warn("the ndjson sink cuts off a batch that is not whole; the log delivers it again", "file", path, "bytes", found.size-found.length)
	}
	if s.open, err = hashFile(path, found.length); err != nil {
		return err
	}
	if err := s.open.ready(); err != nil {
		return err
	}
	// The process that wrote it may have been killed before it was synced.
	if err := errors.Join(s.open.file.Sync(), syncDir(s.dir)); err != nil {
		return err
	}
	s.state = found.last
	if found.damaged {
		s.logger.Error("the open file of the ndjson sink is damaged and is closed", "error", found.damage(path))
	}
	if last && !found.damaged {
		return nil
	}
	if err := s.finish(); err != nil {
		return err
	}
	s.manifest.files[len(s.manifest.files)-1].DamagedRows = found.damagedRows
	return nil
}

// setAside takes away a file without a whole batch. It keeps what is in it, as that may
// be what damage left of a longer file.
func (s *Sink) setAside(path string, size int64) error {
	if size == 0 {
		return errors.Join(os.Remove(path), syncDir(s.dir))
	}
	s.logger.Warn("the ndjson sink sets a file aside that has no whole batch; the log delivers it again", "file", path+asideSuffix, "bytes", size)
	return errors.Join(os.Rename(path, path+asideSuffix), syncDir(s.dir))
}

// lastClosed reads the checkpoint from the newest closed file.
func (s *Sink) lastClosed() error {
	if len(s.manifest.files) == 0 {
		return nil
	}
	path := s.path(s.manifest.files[len(s.manifest.files)-1].Name)
	found, err := scanFile(path)
	if err != nil {
		return err
	}
	if found.blocks == 0 {
		return fmt.Errorf("%s is damaged and has no checkpoint; move it away to go on from the checkpoint of the file before", path)
	}
	s.state = found.last
	s.state.File = facts{}
	return nil
}
