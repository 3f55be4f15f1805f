package aimdb

import (
	"log/slog"
	"sync/atomic"

	"github.com/go-json-experiment/json"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"github.com/aimdb-go/aimdb/history"
)

// unmarshal reads what encoding/json reads, in the way it does, in a third of
// the time: decoding is the larger part of a scan of typed rows. Only errors are
// worded in their own way, because the old wording takes long, and nobody
// decides by it.
func unmarshal(value []byte, to any) error {
	return json.Unmarshal(value, to, jsonv1.DefaultOptionsV1(), jsonv1.ReportErrorsWithLegacySemantics(false))
}

// undecoded counts the rows that queries had to leave out.
type undecoded struct{ count atomic.Uint64 }

func (u *undecoded) add(l *slog.Logger, row history.Row, err error) {
	u.count.Add(1)
	l.Warn("a stored row does not decode and is left out of the answer",
		"record", row.Record, "row", row.ID, "error", err)
}
