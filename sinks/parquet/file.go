package parquet

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/aimdb-go/aimdb/sinks"
)

// The modes of what belongs to a sink: nobody but its user reads it.
const (
	privateFile = 0o600
	privateDir  = 0o700
)

// File is a Parquet file in a manifest.
type File struct {
	// Name is the path in the directory, with slashes.
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	Rows   int64  `json:"rows"`
	// FirstSequence and LastSequence are 0 if sequences are not known.
	FirstSequence uint64 `json:"first_sequence,omitzero"`
	LastSequence  uint64 `json:"last_sequence,omitzero"`
	// FirstTime and LastTime are the least and the greatest time of a row.
	FirstTime int64 `json:"first_time"`
	LastTime  int64 `json:"last_time"`
}

// partialFile is a file that has no final name yet.
type partialFile struct {
	*Writer
	out   *os.File
	hash  hash.Hash
	facts File
}

func createFile(path string, mode os.FileMode) (*partialFile, error) {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return nil, err
	}
	f := &partialFile{out: out, hash: sha256.New()}
	f.Writer = NewWriter(io.MultiWriter(out, f.hash))
	return f, nil
}

func (f *partialFile) add(e sinks.Entry) error {
	if f.facts.Rows == 0 {
		f.facts.FirstSequence, f.facts.FirstTime, f.facts.LastTime = e.Sequence, e.Time, e.Time
	}
	f.facts.Rows++
	f.facts.LastSequence = e.Sequence
	f.facts.FirstTime, f.facts.LastTime = min(f.facts.FirstTime, e.Time), max(f.facts.LastTime, e.Time)
	return f.Write(e)
}

// finish syncs and closes the file, and checks what a reader finds in it.
func (f *partialFile) finish() error {
	err := f.Close()
	if err == nil {
		err = f.out.Sync()
	}
	if err := errors.Join(err, f.out.Close()); err != nil {
		return err
	}
	info, err := os.Stat(f.out.Name())
	if err != nil {
		return err
	}
	f.facts.Bytes, f.facts.SHA256 = info.Size(), hex.EncodeToString(f.hash.Sum(nil))
	return CheckRows(f.out.Name(), f.facts.Rows)
}

// CheckRows returns an error unless a file has a number of rows.
func CheckRows(path string, want int64) error {
	got, err := count(path)
	if err == nil && got != want {
		err = fmt.Errorf("%s has %d rows after %d were written; look at the disk and write it again", path, got, want)
	}
	return err
}
