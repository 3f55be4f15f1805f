package ndjson

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
)

// openFile is a data file with stored blocks up to a length.
type openFile struct {
	path string
	// file is nil until ready.
	file *os.File
	// length is where the last stored block ends.
	length int64
	// hash is that of the stored blocks.
	hash hash.Hash
	// torn says that there may be a part of a block after length.
	torn bool
	// unlisted says that the entry of the file in the directory is not synced yet.
	unlisted bool
}

// createFile makes an empty file.
func createFile(path string) (*openFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, privateFile)
	if err != nil {
		return nil, err
	}
	return &openFile{path: path, file: f, hash: sha256.New(), unlisted: true}, nil
}

// hashFile reads a file up to a length, and does not open it for writing.
func hashFile(path string, length int64) (*openFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	o := &openFile{path: path, length: length, hash: sha256.New()}
	_, err = io.Copy(o.hash, io.NewSectionReader(f, 0, length))
	return o, err
}

// ready opens the file for writing and cuts off what is after the stored blocks.
func (o *openFile) ready() error {
	if o.file == nil {
		f, err := os.OpenFile(o.path, os.O_RDWR, privateFile)
		if err != nil {
			return err
		}
		o.file, o.torn = f, true
	}
	if !o.torn {
		return nil
	}
	return o.cut()
}

// append stores a block. After an error the file is as it was, as soon as it can be
// cut.
func (o *openFile) append(parts ...[]byte) error {
	if err := o.ready(); err != nil {
		return err
	}
	at, err := o.length, error(nil)
	for _, part := range parts {
		if _, err = o.file.WriteAt(part, at); err != nil {
			break
		}
		at += int64(len(part))
	}
	if err == nil {
		err = o.sync()
	}
	if err != nil {
		o.torn = true
		return errors.Join(err, o.cut())
	}
	o.length = at
	for _, part := range parts {
		_, _ = o.hash.Write(part) // a hash takes everything
	}
	return nil
}

func (o *openFile) sync() error {
	if err := o.file.Sync(); err != nil || !o.unlisted {
		return err
	}
	if err := syncDir(filepath.Dir(o.path)); err != nil {
		return err
	}
	o.unlisted = false
	return nil
}

func (o *openFile) cut() error {
	if err := o.file.Truncate(o.length); err != nil {
		return err
	}
	o.torn = false
	return nil
}

func (o *openFile) sum() string { return hex.EncodeToString(o.hash.Sum(nil)) }

// close closes the handle. The file can be made ready again.
func (o *openFile) close() error {
	if o.file == nil {
		return nil
	}
	f := o.file
	o.file = nil
	return f.Close()
}
