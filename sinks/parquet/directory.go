package parquet

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
)

const fileSuffix = ".parquet"

// Read reads a file, or all of a directory: that of an export, or that of a sink with
// what is staged and not converted yet. Nothing writes to it meanwhile. A value is valid
// until the next entry.
func Read(path string) iter.Seq2[sinks.Entry, error] {
	return func(yield func(sinks.Entry, error) bool) {
		sources, err := sourcesOf(path)
		if err != nil {
			yield(sinks.Entry{}, err)
			return
		}
		for _, source := range sources {
			for e, err := range source {
				if !yield(e, err) || err != nil {
					return
				}
			}
		}
	}
}

func sourcesOf(path string) (sources []iter.Seq2[sinks.Entry, error], err error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return []iter.Seq2[sinks.Entry, error]{Entries(path)}, err
	}
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.HasSuffix(name, fileSuffix) {
			sources = append(sources, Entries(name))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	staged, err := unconverted(path)
	for _, name := range staged {
		sources = append(sources, ndjson.Entries(name))
	}
	if len(sources) == 0 && err == nil {
		err = fmt.Errorf("%s has no file that ends in %s", path, fileSuffix)
	}
	return sources, err
}

// unconverted lists the staged files without a manifest, oldest first.
func unconverted(dir string) (files []string, err error) {
	staged, err := os.ReadDir(filepath.Join(dir, stagingDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, d := range staged {
		if !ndjson.IsDataFile(d.Name()) {
			continue
		}
		_, err := os.Stat(manifestPath(dir, d.Name()))
		if err == nil {
			continue
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		files = append(files, filepath.Join(dir, stagingDir, d.Name()))
	}
	return files, err
}
