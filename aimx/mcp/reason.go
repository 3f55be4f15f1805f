package mcp

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/internal/timetext"
	"github.com/aimdb-go/aimdb/key"
)

// explain says why a gap is there.
func (q *inquiry) explain(ctx context.Context, i interval, usual int64) gap {
	g := gap{From: timetext.Format(i.from), To: timetext.Format(i.to), Seconds: float64(i.to-i.from) / 1000, Open: i.last}
	if usual > 0 && !i.first {
		g.Missing = max((i.to-i.from)/usual-1, 0)
	}
	for _, l := range q.losses {
		if meets(l, i) {
			g.Losses = append(g.Losses, l)
		}
	}
	if len(g.Losses) > maxOthers {
		g.Losses = g.Losses[:maxOthers]
	}
	others, err := q.othersIn(ctx, i.middle(usual))
	if err != nil {
		q.unchecked("other records in the gap from "+g.From, err)
	}
	g.Others = others
	g.Certainty, g.Reason = q.reason(g, i, err == nil)
	return g
}

// meets reports whether the times of a loss meet an interval. Times of a loss may be those
// of the values before and after it.
func meets(l lossRow, i interval) bool {
	parse := func(text string) int64 {
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return 0
		}
		return t.UnixMilli()
	}
	first, last := parse(l.FirstTime), parse(l.LastTime)
	if last == 0 {
		last = first
	}
	if first == 0 {
		first = last
	}
	return last > 0 && first <= i.to && last >= i.from
}

// othersIn returns other records that have rows inside of an interval.
func (q *inquiry) othersIn(ctx context.Context, i interval) (names []string, err error) {
	err = q.s.ask(ctx, q.at, func(c *aimx.Client) error {
		page, err := c.HistoryPage(ctx, pageOf(key.WirePattern("#"), i.from+1, i.to-1, false, 200))
		for _, r := range page.Rows {
			if key.Normalize(r.Record) != key.Normalize(q.Record) && !slices.Contains(names, r.Record) && len(names) < maxOthers {
				names = append(names, r.Record)
			}
		}
		return err
	})
	return names, err
}

// reason says in a sentence why a gap is there, and how certain that is.
func (q *inquiry) reason(g gap, i interval, asked bool) (certainty, text string) {
	if index := slices.IndexFunc(g.Losses, func(l lossRow) bool { return l.Record != "" }); index >= 0 {
		l := g.Losses[index]
		return "known", fmt.Sprintf("%d values were lost (%s): %s", l.Count, orUnknown(l.Cause), l.Meaning)
	}
	if len(g.Losses) > 0 {
		l := g.Losses[0]
		return "likely", fmt.Sprintf("%d messages of the log were lost at that time (%s), of records that are not known: %s", l.Count, orUnknown(l.Cause), l.Meaning)
	}
	if q.record != nil && q.record.Persisted != nil && !*q.record.Persisted {
		return "known", "the record is not persisted, so nothing of it is stored"
	}
	if q.record != nil && q.record.EventTime && q.waiting == 0 {
		text = "the values of the record have times of their own, and none with a time of this span has come"
		if q.record.LastWrite > 0 {
			text += "; the record was last written at " + timetext.Format(q.record.LastWrite)
		}
		return "likely", text
	}
	if i.last {
		return q.openReason(i)
	}
	if i.first {
		return "likely", "the history of the record begins after it: the record was not stored before, or retention has removed what is older" + q.prunedText()
	}
	checked := "nothing is counted as lost"
	if !q.ledger {
		checked = "the ledger of losses was not read"
	}
	switch {
	case len(g.Others) > 0:
		return "likely", fmt.Sprintf("other records were stored then, so program, log and sinks worked, and %s: nothing wrote this record, or its source stood still", checked)
	case asked:
		return "likely", fmt.Sprintf("no record at all was stored then, and %s: the program did not run, or nothing wrote any record", checked)
	}
	return "unknown", "nothing that was found out explains it; " + checked
}

// openReason explains a gap that lasts.
func (q *inquiry) openReason(i interval) (certainty, text string) {
	for _, sink := range q.sinks {
		if sink.State != "ok" {
			return "likely", fmt.Sprintf("the sink %s does not store now: its state is %s", sink.Name, quote(sink.State))
		}
	}
	switch {
	case q.waiting > 0:
		return "known", fmt.Sprintf("%d values wait in the log; the sinks will store them", q.waiting)
	case q.record == nil:
		return "likely", "the running program has no such record, so nothing writes it"
	case q.record.LastWrite > 0 && q.record.LastWrite <= i.from:
		return "known", "nothing has written the record since " + timetext.Format(q.record.LastWrite)
	case q.record.LastWrite > i.from:
		return "unknown", "the record was written at " + timetext.Format(q.record.LastWrite) + ", and that is not stored yet; call again"
	}
	return "likely", "nothing has written the record since then, as far as the running program knows"
}

func (q *inquiry) prunedText() string {
	if q.pruned == 0 {
		return ""
	}
	return "; it last did so at " + timetext.Format(q.pruned)
}

func orUnknown(cause string) string {
	if cause == "" {
		return "cause unknown"
	}
	return cause
}
