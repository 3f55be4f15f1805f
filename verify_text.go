package aimdb

import (
	"fmt"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/counted"
	"github.com/aimdb-go/aimdb/loss"
)

// lossText says a loss in one sentence.
func lossText(l loss.Loss) string {
	what := "values"
	if l.Share() || l.Record != "" {
		what = "values of record " + l.Record
	} else if unitOf(l) == "sequences" {
		what = "messages of the log"
	}
	text := fmt.Sprintf("%d %s", l.Count, what)
	if l.Count == 0 {
		text = "An unknown number of " + what
	}
	switch {
	case l.To > 0:
		text += fmt.Sprintf(", %s %d to %d,", unitOf(l), l.From, l.To)
	case l.From > 0:
		text += fmt.Sprintf(", from %s %d on,", unitOf(l), l.From)
	}
	return fmt.Sprintf("%s lost because %s (%s)%s.", text+counted.Verb(l.Count, " is", " are"), reason(l.Cause), l.Cause, written(l.FirstTime, l.LastTime))
}

// copyText says that a history has no log. at is its place in the log that it had.
func copyText(at history.Position) string {
	place := fmt.Sprintf("sequence %d of that log", at.Sequence)
	if ns := at.Message.Time; ns > 0 {
		place += ", logged at " + timeText(ns/1e6) + ","
	}
	return fmt.Sprintf("The log of this history is not here: this is a copy, or the log was deleted. Values after %s are not in it. The next start counts them as a loss of unknown size.", place)
}

// unitOf says what From and To of a loss are.
func unitOf(l loss.Loss) string {
	switch l.Cause {
	case loss.SinkRefused, loss.LogMissing:
		return "sequences"
	case loss.HistoryDamaged:
		return "rows"
	case loss.LogDiscarded, loss.LogTruncated, loss.LogDamaged:
		if l.Record == "" {
			return "sequences"
		}
	}
	return "numbers"
}

func reason(cause loss.Cause) string {
	switch cause {
	case loss.RingOverrun:
		return "the log read the ring too slowly"
	case loss.NotEncodable:
		return "JSON cannot carry them"
	case loss.LogRefused:
		return "the log did not take them"
	case loss.LogDiscarded:
		return "the log reached a limit before the history had read them"
	case loss.LogMissing:
		return "the log was deleted or replaced"
	case loss.LogTruncated:
		return "the log has lost its end"
	case loss.LogDamaged:
		return "the log is damaged"
	case loss.NotLogged:
		return "the process stopped before they were logged"
	case loss.HistoryDamaged:
		return "rows of the history vanished or changed, and the log no longer held them"
	case loss.SinkRefused:
		return "the history refused them for good"
	}
	return "of a cause that this version does not explain"
}

func written(from, to int64) string {
	switch {
	case from > 0 && to > 0:
		return fmt.Sprintf("; written from %s to %s", timeText(from), timeText(to))
	case to > 0:
		return "; written until " + timeText(to)
	}
	return ""
}

func timeText(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

// rowsText says which rows of the history are damaged, and what to do.
func rowsText(d history.DamagedRows) string {
	rows, differ, missing := fmt.Sprintf("The rows %d to %d", d.From, d.To), "differ from what was stored", "are missing although nobody pruned them"
	if d.From == d.To {
		rows, differ, missing = fmt.Sprintf("Row %d", d.From), "differs from what was stored", "is missing although nobody pruned it"
	}
	if d.Record != "" {
		rows += " of record " + d.Record
	}
	state := differ
	if d.Missing {
		state = missing
	}
	return fmt.Sprintf("%s %s. A repair stores again what the log still holds, and counts the rest as lost.", rows, state)
}

// holeText says which numbers of a record never came.
func holeText(h history.Hole) string {
	return fmt.Sprintf("%s of record %s, numbers %d to %d of run %d,%s neither stored nor counted as lost; written until %s. A backup may hold them.",
		counted.Of(h.To-h.From+1, "value"), h.Record, h.From, h.To, h.Run, counted.Verb(h.To-h.From+1, " is", " are"), timeText(h.Time))
}
