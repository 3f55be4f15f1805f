package parquet

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	manifestDir    = "manifest"
	manifestSuffix = ".json"
)

// Manifest lists the Parquet files made of one staged file.
type Manifest struct {
	// Source is the name of the staged file.
	Source string `json:"source"`
	// Log is the log whose sequences the files have.
	Log string `json:"log"`
	// DamagedRows is the number of rows of the staged file that could not be read.
	DamagedRows int64 `json:"damaged_rows,omitzero"`
	// LastWrite is the time of the last write, if rows have times of their own.
	LastWrite int64  `json:"last_write,omitzero"`
	Files     []File `json:"files"`
}

func (m Manifest) bytes() (n int64) {
	for _, f := range m.Files {
		n += f.Bytes
	}
	return n
}

// lastTime is the time of the last write.
func (m Manifest) lastTime() (last int64) {
	if m.LastWrite != 0 {
		return m.LastWrite
	}
	for _, f := range m.Files {
		last = max(last, f.LastTime)
	}
	return last
}

func manifestPath(dir, source string) string {
	return filepath.Join(dir, manifestDir, source+manifestSuffix)
}

// ReadManifests reads what is converted in the directory of a sink, oldest first, also
// while a sink writes to it.
func ReadManifests(dir string) ([]Manifest, error) {
	entries, err := os.ReadDir(filepath.Join(dir, manifestDir))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the manifests: %w", err)
	}
	var all []Manifest
	for _, e := range entries {
		source, ok := strings.CutSuffix(e.Name(), manifestSuffix)
		if !ok {
			continue
		}
		m, err := readManifest(dir, source)
		if errors.Is(err, os.ErrNotExist) {
			continue // retention deleted it meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func readManifest(dir, source string) (m Manifest, err error) {
	text, err := os.ReadFile(manifestPath(dir, source))
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err == nil && m.Source != source {
		err = fmt.Errorf("its source is %q", m.Source)
	}
	if err != nil {
		return m, fmt.Errorf("read the manifest %s: %w; restore it from a copy of the directory", manifestPath(dir, source), err)
	}
	return m, nil
}

// store writes a manifest, which commits the conversion.
func (m Manifest) store(dir string) error {
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	partial := filepath.Join(dir, tmpDir, "manifest.partial")
	f, err := os.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, privateFile)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(partial, manifestPath(dir, m.Source)); err != nil {
		return err
	}
	return syncDir(filepath.Join(dir, manifestDir))
}
