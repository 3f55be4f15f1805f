package parquet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/aimdb-go/aimdb/sinks"
)

// tree writes entries that are sorted by partition into the directories of Hive, one
// file for each partition.
type tree struct {
	dir, tmp string
	// prefix begins the names of the files.
	prefix            string
	fileMode, dirMode os.FileMode
	at                partition
	open              *partialFile
	files             []File
}

func (t *tree) add(e sinks.Entry) error {
	if p := partitionOf(e); t.open == nil || p != t.at {
		if err := t.finish(); err != nil {
			return err
		}
		open, err := createFile(filepath.Join(t.tmp, "file.partial"), t.fileMode)
		if err != nil {
			return err
		}
		t.open, t.at = open, p
	}
	return t.open.add(e)
}

// finish gives the open file its final name.
func (t *tree) finish() error {
	f := t.open
	if f == nil {
		return nil
	}
	t.open = nil
	if err := f.finish(); err != nil {
		return err
	}
	f.facts.Name = path.Join(t.at.dir(), t.name(f.facts))
	final := filepath.Join(t.dir, filepath.FromSlash(f.facts.Name))
	if err := makeDirs(t.dir, t.at.dir(), t.dirMode); err != nil {
		return err
	}
	if err := os.Rename(f.out.Name(), final); err != nil {
		return err
	}
	t.files = append(t.files, f.facts)
	return syncDir(filepath.Dir(final))
}

// name is that of a file in its directory: by sequences, or by times if they are not
// known.
func (t *tree) name(f File) string {
	if f.LastSequence == 0 {
		return fmt.Sprintf("%s%d-%d.parquet", t.prefix, f.FirstTime, f.LastTime)
	}
	return fmt.Sprintf("%s%d-%d.parquet", t.prefix, f.FirstSequence, f.LastSequence)
}

// abandon closes the open file, which the next one replaces.
func (t *tree) abandon() error {
	if t.open == nil {
		return nil
	}
	return t.open.out.Close()
}

// makeDirs makes the directories of a path below base, and syncs where they are new.
func makeDirs(base, name string, mode os.FileMode) error {
	if name == "." {
		return nil
	}
	if err := makeDirs(base, path.Dir(name), mode); err != nil {
		return err
	}
	dir := filepath.Join(base, filepath.FromSlash(name))
	err := os.Mkdir(dir, mode)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return errors.Join(err, syncDir(filepath.Dir(dir)))
}

// take writes all entries of a sorter.
func (t *tree) take(ctx context.Context, s *sorter) error {
	rows := 0
	for e, err := range s.sorted() {
		if err == nil && rows%checkEvery == 0 {
			err = ctx.Err()
		}
		if err == nil {
			rows++
			err = t.add(e)
		}
		if err != nil {
			return errors.Join(err, t.abandon())
		}
	}
	return t.finish()
}
