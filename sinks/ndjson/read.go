package ndjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"strconv"

	"github.com/klauspost/compress/zstd"

	"github.com/aimdb-go/aimdb/sinks"
)

// IsDataFile reports whether a file of the directory is a data file, open or closed.
func IsDataFile(name string) bool { return fileNumber(name) > 0 }

// Entries reads a data file of the sink. It leaves out damaged blocks, which the manifest
// counts. Sequences are 0 if the file was written without [Sequences]. A value is valid
// until the next entry.
func Entries(path string) iter.Seq2[sinks.Entry, error] {
	return func(yield func(sinks.Entry, error) bool) {
		if err := readEntries(path, func(e sinks.Entry) bool { return yield(e, nil) }); err != nil {
			yield(sinks.Entry{}, fmt.Errorf("read %s: %w", path, err))
		}
	}
}

func readEntries(path string, yield func(sinks.Entry) bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it is only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer d.Close()
	var data, text []byte
	for at := int64(0); at >= 0 && at < info.Size(); {
		h, end, ok, err := readBlock(f, at)
		if err != nil {
			return err
		}
		if !ok {
			if at, err = nextBlock(f, at+1, info.Size()); err != nil {
				return err
			}
			continue
		}
		at = end
		data = slices.Grow(data[:0], int(h.Data))[:h.Data]
		if _, err := f.ReadAt(data, end-h.Data); err != nil {
			return err
		}
		if text, err = d.DecodeAll(data, text[:0]); err != nil {
			return err
		}
		if more, err := yieldLines(text, yield); !more || err != nil {
			return err
		}
	}
	return nil
}

func yieldLines(text []byte, yield func(sinks.Entry) bool) (more bool, err error) {
	for line := range bytes.Lines(text) {
		e, err := parseLine(line)
		if err != nil {
			return false, fmt.Errorf("the line %.60q: %w", line, err)
		}
		if !yield(e) {
			return false, nil
		}
	}
	return true, nil
}

// parseLine reads what appendLine writes.
func parseLine(line []byte) (e sinks.Entry, err error) {
	rest, isLine := bytes.CutPrefix(line, []byte(`{"record":`))
	name, rest, hasTime := bytes.Cut(rest, []byte(`,"time":`))
	numbers, value, hasValue := bytes.Cut(rest, []byte(`,"value":`))
	value, whole := bytes.CutSuffix(value, []byte("}\n"))
	if !isLine || !hasTime || !hasValue || !whole {
		return e, errors.New("it is none of the ndjson sink")
	}
	numbers, shape, hasShape := bytes.Cut(numbers, []byte(`,"shape":`))
	if hasShape {
		if e.Shape, err = strconv.Atoi(string(shape)); err != nil {
			return e, err
		}
	}
	time, sequence, hasSequence := bytes.Cut(numbers, []byte(`,"sequence":`))
	if hasSequence {
		if e.Sequence, err = strconv.ParseUint(string(sequence), 10, 64); err != nil {
			return e, err
		}
	}
	time, stored, hasStored := bytes.Cut(time, []byte(`,"stored":`))
	if e.Time, err = strconv.ParseInt(string(time), 10, 64); err != nil {
		return e, err
	}
	if hasStored {
		e.Timed, e.Event = true, e.Time
		if e.Time, err = strconv.ParseInt(string(stored), 10, 64); err != nil {
			return e, err
		}
	}
	e.Value = value
	if inner := bytes.Trim(name, `"`); len(inner) == len(name)-2 && plain(string(inner)) {
		e.Record = string(inner) // for speed
		return e, nil
	}
	return e, json.Unmarshal(name, &e.Record)
}
