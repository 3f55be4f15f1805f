package ndjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/jsonrule"
	"github.com/aimdb-go/aimdb/key"
)

// maxTime is the last millisecond of the year 9999.
const maxTime = 253402300799999

// CheckRow returns an error for a row that no line can carry or no import takes.
func CheckRow(r history.Row) error {
	if _, err := key.Parse(r.Record); err != nil {
		return err
	}
	return checkContent(r)
}

// checkContent checks what is not the key.
func checkContent(r history.Row) error {
	if r.Time < 0 || r.Time > maxTime {
		return fmt.Errorf("the time %d is not in the years 1970 to 9999", r.Time)
	}
	if err := jsonrule.Check(r.Value); err != nil {
		return fmt.Errorf("the value %.60q %w", r.Value, err)
	}
	return nil
}

// AppendRow appends the line of a row. It keeps the bytes of the value if they are
// one line, and else takes the white space out.
func AppendRow(dst []byte, r history.Row) ([]byte, error) { return appendLine(dst, r, 0) }

// appendLine leaves out a sequence, a shape and a time of storing of 0.
func appendLine(dst []byte, r history.Row, sequence uint64) ([]byte, error) {
	dst = append(dst, `{"record":`...)
	if plain(r.Record) {
		dst = append(append(append(dst, '"'), r.Record...), '"')
	} else {
		name, err := json.Marshal(r.Record)
		if err != nil {
			return nil, err
		}
		dst = append(dst, name...)
	}
	dst = strconv.AppendInt(append(dst, `,"time":`...), r.Time, 10)
	if r.Stored != 0 {
		dst = strconv.AppendInt(append(dst, `,"stored":`...), r.Stored, 10)
	}
	if sequence > 0 {
		dst = strconv.AppendUint(append(dst, `,"sequence":`...), sequence, 10)
	}
	if r.Shape != 0 {
		dst = strconv.AppendInt(append(dst, `,"shape":`...), int64(r.Shape), 10)
	}
	dst = append(dst, `,"value":`...)
	if bytes.IndexByte(r.Value, '\n') < 0 && bytes.IndexByte(r.Value, '\r') < 0 {
		dst = append(dst, r.Value...)
	} else {
		line := bytes.NewBuffer(dst)
		if err := json.Compact(line, r.Value); err != nil {
			return nil, err
		}
		dst = line.Bytes()
	}
	return append(dst, "}\n"...), nil
}

// plain reports whether JSON needs no escapes for a text.
func plain(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}
