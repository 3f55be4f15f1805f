package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// exportTo gives do what an export goes to: stdout, or the file of a name. A
// file gets its name when do has succeeded, and what was there before stays
// until then; what is no regular file, such as a pipe, is written through.
func exportTo(cmd *cobra.Command, source, name string, do func(io.Writer) error) error {
	if name == "" {
		return do(cmd.OutOrStdout())
	}
	old, err := os.Stat(name)
	if errors.Is(err, os.ErrNotExist) {
		old, err = nil, nil
	}
	if err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	if old != nil {
		if old.IsDir() {
			return fmt.Errorf("write the export: %s is a directory; name a file in it", name)
		}
		if !old.Mode().IsRegular() {
			return writeThrough(name, do)
		}
		if err := checkExpendable(source, name, old); err != nil {
			return fmt.Errorf("write the export: %w", err)
		}
	}
	if name, err = followLinks(name); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return writeAside(name, old, do)
}

// checkExpendable refuses to replace a database, the source above all. It reads
// the file, so it is called before the source is open: closing any descriptor
// of a database drops the locks that the process has on it.
func checkExpendable(source, name string, info os.FileInfo) error {
	if real, err := filepath.EvalSymlinks(source); err == nil {
		source = real
	}
	for _, suffix := range []string{"", "-wal", "-shm", "-journal", ".lock"} {
		if of, err := os.Stat(source + suffix); err == nil && os.SameFile(of, info) {
			return fmt.Errorf("%s is the history that is exported, or belongs to it; choose another file", name)
		}
	}
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("see that no database is replaced: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	var head [16]byte
	n, err := io.ReadFull(f, head[:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("see that no database is replaced: %w", err)
	}
	// A file, two forms of a write-ahead log, and a journal.
	for _, magic := range []string{"SQLite format 3\x00", "\x37\x7f\x06\x82", "\x37\x7f\x06\x83", "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"} {
		if bytes.HasPrefix(head[:n], []byte(magic)) {
			return fmt.Errorf("%s is a SQLite database, or belongs to one; choose another file, or remove it first", name)
		}
	}
	return nil
}

// followLinks returns where links lead, also if nothing is there yet.
func followLinks(name string) (string, error) {
	for range 40 {
		to, err := os.Readlink(name)
		if err != nil {
			return name, nil // no link
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(name), to)
		}
		name = to
	}
	return "", fmt.Errorf("%s: too many links", name)
}

func writeThrough(name string, do func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return errors.Join(do(f), f.Close())
}

// writeAside writes a file beside and renames it. It takes the mode of the file
// that it replaces, if there is one.
func writeAside(name string, old os.FileInfo, do func(io.Writer) error) (err error) {
	mode := os.FileMode(0o666) // but for what the umask takes away
	if old != nil {
		mode = 0o600
	}
	partial, err := os.OpenFile(name+".partial-"+rand.Text(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(partial.Name()))
		}
	}()
	if old != nil {
		err = partial.Chmod(old.Mode().Perm())
	}
	if err == nil {
		err = do(partial)
	}
	if err := errors.Join(err, partial.Sync(), partial.Close()); err != nil {
		return err
	}
	return os.Rename(partial.Name(), name)
}
