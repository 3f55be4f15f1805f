package ndjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const (
	manifestName = "manifest.ndjson"
	partialName  = manifestName + ".partial"
)

// File is a line of the manifest: a closed file. Its sequences are of one log, and
// ascend.
type File struct {
	Name          string `json:"name"`
	Bytes         int64  `json:"bytes"`
	SHA256        string `json:"sha256"`
	Rows          int64  `json:"rows"`
	Log           string `json:"log"`
	FirstSequence uint64 `json:"first_sequence"`
	LastSequence  uint64 `json:"last_sequence"`
	// FirstTime and LastTime are the least and the greatest time of a write, in Unix
	// milliseconds.
	FirstTime int64 `json:"first_time"`
	LastTime  int64 `json:"last_time"`
	// DamagedRows is the number of rows in damaged blocks, which cannot be read.
	DamagedRows int64 `json:"damaged_rows,omitzero"`
}

// manifest is the list of the closed files, oldest first.
type manifest struct {
	dir   string
	files []File
	// stale says that the file does not have these lines yet.
	stale bool
}

// ReadManifest reads the closed files of a directory, oldest first, also while a sink
// writes to it.
func ReadManifest(dir string) ([]File, error) {
	path := filepath.Join(dir, manifestName)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	var files []File
	for n, line := range bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		var f File
		if len(line) == 0 {
			continue
		}
		if err := json.Unmarshal(line, &f); err != nil {
			return nil, fmt.Errorf("line %d of %s is damaged (%w); delete the manifest, the next start makes it again from the files", n+1, path, err)
		}
		files = append(files, f)
	}
	return files, nil
}

func (m *manifest) add(f File) { m.files, m.stale = append(m.files, f), true }

// store replaces the file as a whole.
func (m *manifest) store() error {
	var out []byte
	for _, f := range m.files {
		line, err := json.Marshal(f)
		if err != nil {
			return err
		}
		out = append(append(out, line...), '\n')
	}
	partial := filepath.Join(m.dir, partialName)
	f, err := os.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, privateFile)
	if err != nil {
		return err
	}
	_, err = f.Write(out)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(partial, filepath.Join(m.dir, manifestName)); err != nil {
		return err
	}
	m.stale = false
	return syncDir(m.dir)
}
