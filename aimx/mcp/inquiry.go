package mcp

import (
	"context"
	"fmt"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/timetext"
	"github.com/aimdb-go/aimdb/key"
)

// inquiry is what explainGap knows.
type inquiry struct {
	s       *Server
	at      at
	pattern key.Pattern
	record  *aimx.RecordInfo // nil if it is not registered
	stats   *history.RecordStats
	pruned  int64
	sinks   []aimx.SinkInfo
	losses  []lossRow
	waiting uint64
	ledger  bool // whether the ledger was read
	gapAnswer
}

func (q *inquiry) fact(format string, args ...any) {
	q.Facts = append(q.Facts, fmt.Sprintf(format, args...))
}

func (q *inquiry) unchecked(what string, err error) {
	q.Unchecked = append(q.Unchecked, fmt.Sprintf("%s: %v", what, err))
}

// gather asks for all that may explain a gap. What a database does not answer is unchecked.
func (q *inquiry) gather(ctx context.Context, ledger bool) error {
	list, err := q.s.list(ctx, q.at)
	if err != nil {
		return err
	}
	for _, r := range list {
		if key.Normalize(r.Key) == key.Normalize(q.Record) {
			q.record = &r
			q.losses = ringLosses([]aimx.RecordInfo{r}, q.pattern)
		}
	}
	q.describeRecord()
	if stats, err := q.s.stats(ctx, q.at); err != nil {
		q.unchecked("the history", err)
	} else {
		q.describeHistory(stats)
	}
	if q.sinks, err = q.s.sinks(ctx, q.at); err != nil {
		q.unchecked("the sinks", err)
	}
	for _, sink := range q.sinks {
		q.fact("sink %s is %s, has stored the log up to %d, last at %s, and lost %d values since the start", sink.Name, quote(sink.State), sink.Sequence, orNever(sink.LastCommit), sink.Lost)
	}
	if ledger {
		q.readLedger(ctx)
	} else {
		q.Unchecked = append(q.Unchecked, "the ledger of losses: the argument ledger is false")
	}
	return nil
}

func (q *inquiry) describeRecord() {
	r := q.record
	switch {
	case r == nil:
		q.fact("the record is not registered in the running program: its rows are from earlier, or from another program")
	case r.Persisted != nil && !*r.Persisted:
		q.fact("the record is not persisted: its values are not stored")
	default:
		q.fact("the record was written %d times since the program started, values from the history included, last at %s; %d values were lost on the way to the log", r.Produced, orNever(r.LastWrite), r.Lost)
	}
}

func (q *inquiry) describeHistory(stats aimx.HistoryStats) {
	q.pruned = stats.LastPrune
	for _, r := range stats.Records {
		if key.Normalize(r.Record) == key.Normalize(q.Record) {
			q.stats = &r
			q.fact("the history of the record has %d rows from %s to %s", r.Rows, timetext.Format(r.FirstTime), timetext.Format(r.LastTime))
		}
	}
	if stats.LastPrune > 0 {
		q.fact("retention last removed old rows at %s", timetext.Format(stats.LastPrune))
	}
}

// readLedger verifies the history, which is the way to the ledger.
func (q *inquiry) readLedger(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, ledgerTimeout)
	defer cancel()
	v, err := q.s.verification(ctx, q.at)
	if err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("the verification took longer than %v; call list_losses with ledger true", ledgerTimeout)
		}
		q.unchecked("the ledger of losses", err)
		return
	}
	q.ledger = true
	q.losses = append(q.losses, findings(v, q.pattern)...)
	for _, r := range v.Records {
		if key.Normalize(r.Record) == key.Normalize(q.Record) {
			q.waiting = r.Waiting
		}
	}
	q.fact("the verification of history and log says %s; %d values of the record wait in the log", v.Verdict, q.waiting)
}

func orNever(ms int64) string {
	if ms == 0 {
		return "an unknown time"
	}
	return timetext.Format(ms)
}
