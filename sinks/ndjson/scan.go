package ndjson

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// scan is what the blocks of a file say.
type scan struct {
	// blocks is the number of whole blocks, and last the head of the last one.
	blocks int
	last   head
	// length is the end of the last whole block, and size that of the file.
	length, size int64
	// damaged says that a block before the last whole one is damaged, and
	// damagedAt where the first one is.
	damaged     bool
	damagedAt   int64
	damagedRows int64
}

func scanFile(path string) (s scan, err error) {
	f, err := os.Open(path)
	if err != nil {
		return s, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return s, err
	}
	s.size = info.Size()
	for at := int64(0); at < s.size; {
		h, end, ok, err := readBlock(f, at)
		if err != nil {
			return s, err
		}
		if ok {
			s.add(h, at, end)
			at = end
			continue
		}
		if at, err = nextBlock(f, at+1, s.size); err != nil || at < 0 {
			return s, err
		}
	}
	return s, nil
}

// add takes a whole block, which comes after damage if it does not follow the one
// before.
func (s *scan) add(h head, at, end int64) {
	if at != s.length {
		if !s.damaged {
			s.damaged, s.damagedAt = true, s.length
		}
		s.damagedRows += h.File.Rows - h.Added - s.last.File.Rows
	}
	s.blocks++
	s.last, s.length = h, end
}

// readBlock reads the block at an offset. It is not ok if the block is cut or damaged.
func readBlock(f io.ReaderAt, at int64) (h head, end int64, ok bool, err error) {
	start := make([]byte, frameStart)
	if whole, err := readAt(f, start, at); !whole {
		return h, 0, false, err
	}
	n, ok := headLength(start)
	if !ok {
		return h, 0, false, nil
	}
	content := make([]byte, n)
	if whole, err := readAt(f, content, at+int64(frameStart)); !whole {
		return h, 0, false, err
	}
	if h, ok = parseHead(content); !ok {
		return h, 0, false, nil
	}
	data := at + int64(frameStart+n)
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	read, err := io.Copy(sum, io.NewSectionReader(f, data, h.Data))
	return h, data + h.Data, err == nil && read == h.Data && sum.Sum32() == h.Sum, err
}

// readAt reports whether there is as much to read as wanted.
func readAt(f io.ReaderAt, p []byte, at int64) (whole bool, err error) {
	if _, err := f.ReadAt(p, at); errors.Is(err, io.EOF) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	return true, nil
}

// nextBlock returns the offset of the next whole block, -1 if there is none.
func nextBlock(f io.ReaderAt, at, size int64) (int64, error) {
	rest := make([]byte, max(0, size-at))
	if _, err := io.ReadFull(io.NewSectionReader(f, at, size-at), rest); err != nil && !errors.Is(err, io.EOF) {
		return -1, err
	}
	for i := 0; ; i++ {
		found := bytes.Index(rest[i:], []byte(frameMagic))
		if found < 0 {
			return -1, nil
		}
		i += found
		if _, _, ok, err := readBlock(f, at+int64(i)); ok || err != nil {
			return at + int64(i), err
		}
	}
}

// damage is the error to log of a damaged file.
func (s scan) damage(path string) error {
	return fmt.Errorf("%s is damaged at byte %d: %d rows cannot be read; restore the file from a copy", path, s.damagedAt, s.damagedRows)
}
