package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb/sinks"
)

// copyText takes rows in the binary format of COPY.
const copyText = "COPY record_history (id, record_name, value_json, stored_at, written_at, imported) FROM STDIN (FORMAT binary)"

// gathered sorts entries by record and keeps the order within each. The entries of a
// record in the indexes are then added together.
func gathered(entries []sinks.Entry) []sinks.Entry {
	byRecord := func(a, b sinks.Entry) int { return strings.Compare(a.Record, b.Record) }
	if slices.IsSortedFunc(entries, byRecord) {
		return entries
	}
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, byRecord)
	return entries
}

// copyRows stores entries with ascending IDs. beside says that they do not come from the log.
func (w *writer) copyRows(ctx context.Context, entries []sinks.Entry, firstID int64, beside bool) error {
	if len(entries) == 0 {
		return nil
	}
	w.rows = appendRows(w.rows[:0], entries, firstID, beside)
	tag, err := w.conn.PgConn().CopyFrom(ctx, bytes.NewReader(w.rows), copyText)
	if err == nil && tag.RowsAffected() != int64(len(entries)) {
		err = fmt.Errorf("COPY stored %d rows of %d; look for rules and triggers of record_history", tag.RowsAffected(), len(entries))
	}
	return err
}

// appendRows encodes a header, six fields a row, each after its length, and an end.
func appendRows(to []byte, entries []sinks.Entry, firstID int64, beside bool) []byte {
	to = append(to, "PGCOPY\n\xff\r\n\x00"...)
	to = append(to, 0, 0, 0, 0, 0, 0, 0, 0) // flags, length of the extension
	for i := range entries {
		e := &entries[i]
		to = binary.BigEndian.AppendUint16(to, 6)
		to = appendNumber(to, firstID+int64(i))
		to = append(binary.BigEndian.AppendUint32(to, uint32(len(e.Record))), e.Record...)
		to = append(binary.BigEndian.AppendUint32(to, uint32(len(e.Value))), e.Value...)
		to = appendNumber(to, e.RowTime())
		if e.Timed {
			to = appendNumber(to, e.Time)
		} else {
			to = appendNull(to)
		}
		if e.Timed && beside {
			to = append(binary.BigEndian.AppendUint32(to, 1), 1)
		} else {
			to = appendNull(to)
		}
	}
	return binary.BigEndian.AppendUint16(to, 0xffff)
}

func appendNull(to []byte) []byte { return append(to, 0xff, 0xff, 0xff, 0xff) }

func appendNumber(to []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(to, 8), uint64(n))
}
