package parquet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aimdb-go/aimdb/sinks"
)

// Export writes a new directory of Parquet files. The caller ends it with Commit or
// Discard.
type Export struct {
	dir, partial string
	sorter       *sorter
}

// NewExport begins a directory, which must not exist yet, or be empty. It appears when
// it is complete.
func NewExport(dir string) (*Export, error) {
	switch held, err := os.ReadDir(dir); {
	case err == nil && len(held) > 0:
		return nil, fmt.Errorf("%s is not empty; name a new directory, or one file that ends in .parquet", dir)
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	dir = filepath.Clean(dir)
	e := &Export{dir: dir, partial: dir + ".partial-" + rand.Text()}
	if err := os.Mkdir(e.partial, 0o777); err != nil {
		return nil, err
	}
	e.sorter = newSorter(e.partial)
	return e, nil
}

// Write adds a row. It keeps nothing of the entry.
func (x *Export) Write(e sinks.Entry) error { return x.sorter.add(e) }

// Commit writes the files, checks the number of their rows, and gives the directory its
// name. After an error the caller calls Discard.
func (x *Export) Commit(ctx context.Context) error {
	t := &tree{dir: x.partial, tmp: x.partial, fileMode: 0o666, dirMode: 0o777}
	if err := t.take(ctx, x.sorter); err != nil {
		return err
	}
	if err := errors.Join(x.sorter.close(), syncDir(x.partial)); err != nil {
		return err
	}
	if err := os.Remove(x.dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(x.partial, x.dir); err != nil {
		return err
	}
	x.partial = ""
	return syncDir(filepath.Dir(x.dir))
}

// Discard removes what was written, if it was not committed.
func (x *Export) Discard() error {
	if x.partial == "" {
		return nil
	}
	return os.RemoveAll(x.partial)
}
