package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/jsonrule"
)

// FuzzImportRows: whatever a file holds, each row that is read from it is one that a
// database takes, and comes back from what is written of it.
func FuzzImportRows(f *testing.F) {
	for _, text := range []string{
		"", "\ufeff{\"record\":\"a\",\"time\":1,\"value\":{\"x\":[1,\n", "{\"record\":\"a::b\",\"time\":1,\"value\":null}\n\n{\"record\":\"a\",\"time\":0,\"value\":\"\\u00e9\"}",
		"{\"record\":\"a\",\"time\":-1,\"value\":1}", "{\"record\":\"a\",\"time\":1e3,\"value\":1}", "{\"record\":\"\xff\",\"time\":1,\"value\":1}",
		csvHead + "\n" + "a,1,\"{\"\"x\"\":1}\"\n", csvHead + "\r\na,1,\"[1,\n2]\"\r\n", csvHead + "\na,1\n", csvHead + "\na,x,1\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, format := range []format{asNDJSON, asCSV} {
			rows := readRows(t, []byte(text), format, false)
			var written bytes.Buffer
			w, err := newRowWriter(&written, format)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				if err := jsonrule.Check(row.Value); err != nil {
					t.Fatalf("%s of %q: the value %q %v", format, text, row.Value, err)
				}
				if err := w.write(row); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.finish(); err != nil {
				t.Fatal(err)
			}
			again := readRows(t, written.Bytes(), format, true)
			if len(again) != len(rows) {
				t.Fatalf("%s of %q: %d rows, and %d of what was written of them", format, text, len(rows), len(again))
			}
			for i, row := range rows {
				if again[i].Record != row.Record || again[i].Time != row.Time || !bytes.Equal(compact(t, row.Value), compact(t, again[i].Value)) {
					t.Errorf("%s of %q: %+v became %+v", format, text, row, again[i])
				}
			}
		}
	})
}

// readRows reads rows until the first error, which must be the end of them if all is sound.
func readRows(t *testing.T, text []byte, format format, sound bool) (rows []history.Row) {
	t.Helper()
	r, err := newRowReader(bytes.NewReader(text), format)
	for err == nil {
		var row history.Row
		if row, err = r.read(); err == nil {
			row.Value = bytes.Clone(row.Value)
			rows = append(rows, row)
		}
	}
	if sound && !errors.Is(err, io.EOF) {
		t.Fatalf("%s %q: %v", format, text, err)
	}
	return rows
}

// compact drops white space, of which a line of NDJSON has less.
func compact(t *testing.T, value []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, value); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
