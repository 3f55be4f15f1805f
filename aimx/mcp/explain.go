package mcp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/timetext"
	"github.com/aimdb-go/aimdb/key"
)

const (
	// maxGaps bounds the gaps of an answer, maxOthers the records that are named for one.
	maxGaps, maxOthers = 20, 10
	// ledgerTimeout bounds the verification, which reads the ledger.
	ledgerTimeout = 30 * time.Second
)

type gapArguments struct {
	recordArguments
	From   string `json:"from" jsonschema:"begin of the span of time: RFC 3339 such as 2026-01-31T02:30:00Z, Unix milliseconds, or a duration back from now such as 2h ago"`
	To     string `json:"to,omitempty" jsonschema:"end of the span, in the same forms; now if it is left out"`
	Ledger *bool  `json:"ledger,omitempty" jsonschema:"whether to read the ledger of losses, which verifies the whole history for at most 30 s; true if it is left out"`
}

type gap struct {
	From      string    `json:"from" jsonschema:"time of the row before the gap"`
	To        string    `json:"to" jsonschema:"time of the row after the gap"`
	Seconds   float64   `json:"seconds"`
	Open      bool      `json:"open,omitempty" jsonschema:"there is no row after it yet"`
	Missing   int64     `json:"missing_about,omitempty" jsonschema:"values that would have come at the usual spacing"`
	Certainty string    `json:"certainty" jsonschema:"known if the database has counted it, likely if it was concluded, unknown"`
	Reason    string    `json:"reason"`
	Losses    []lossRow `json:"losses,omitempty" jsonschema:"losses whose times meet the gap"`
	Others    []string  `json:"records_with_rows,omitempty" jsonschema:"other records that have rows inside the gap, at most 10"`
}

type gapAnswer struct {
	Record    string   `json:"record_name"`
	From      string   `json:"from"`
	To        string   `json:"to"`
	Rows      int64    `json:"rows" jsonschema:"rows of the record in the window"`
	Usual     float64  `json:"usual_spacing_seconds,omitempty" jsonschema:"the usual time between two rows; absent if there are too few to tell"`
	Gaps      []gap    `json:"gaps" jsonschema:"spans that are longer than three times that, by time"`
	LeftOut   int      `json:"left_out,omitempty" jsonschema:"further gaps; ask for a shorter window"`
	Facts     []string `json:"facts" jsonschema:"what was found out about the record, its history and its sinks"`
	Unchecked []string `json:"unchecked,omitempty" jsonschema:"what could not be found out, and why"`
}

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

func (s *Server) explainGap(ctx context.Context, in gapArguments) (gapAnswer, error) {
	if _, err := key.Parse(in.Record); err != nil {
		return gapAnswer{}, fmt.Errorf("record_name must be one record: %w", err)
	}
	from, to, err := gapWindow(in)
	if err != nil {
		return gapAnswer{}, err
	}
	q := &inquiry{s: s, at: in.at, pattern: key.WirePattern(in.Record)}
	q.gapAnswer = gapAnswer{Record: in.Record, From: timetext.Format(from), To: timetext.Format(to), Gaps: []gap{}, Facts: []string{}}
	var found spacing
	err = s.ask(ctx, in.at, func(c *aimx.Client) (err error) {
		found, err = spacingOf(ctx, c, q.pattern, from, to)
		return err
	})
	if err != nil {
		return gapAnswer{}, err
	}
	if err := q.gather(ctx, in.Ledger == nil || *in.Ledger); err != nil {
		return gapAnswer{}, err
	}
	if found.rows == 0 && q.record == nil && q.stats == nil {
		return gapAnswer{}, fmt.Errorf("there is no record %s, and no history of it; list_records and history_stats list them", quote(in.Record))
	}
	q.Rows, q.Usual = found.rows, float64(found.usual)/1000
	q.LeftOut = max(len(found.gaps)-maxGaps, 0)
	for _, i := range found.gaps[:min(len(found.gaps), maxGaps)] {
		q.Gaps = append(q.Gaps, q.explain(ctx, i, found.usual))
	}
	if len(found.gaps) == 0 {
		q.fact("the window has no gap: no two rows are further apart than three times the usual spacing")
	}
	n := fitting(s.config.AnswerBytes-len(strings.Join(append(q.Facts, q.Unchecked...), "    ")), q.Gaps)
	q.LeftOut += len(q.Gaps) - n
	q.Gaps = q.Gaps[:n]
	return q.gapAnswer, nil
}

// gapWindow returns the window of the arguments.
func gapWindow(in gapArguments) (from, to int64, err error) {
	start, err := parseTime("from", in.From)
	if err != nil {
		return 0, 0, err
	}
	end, err := parseTime("to", in.To)
	if err != nil {
		return 0, 0, err
	}
	if start == nil {
		return 0, 0, errors.New("from is empty; give the begin of the span, such as 2h ago")
	}
	to = time.Now().UnixMilli()
	if end != nil {
		to = *end
	}
	if *start >= to {
		return 0, 0, fmt.Errorf("the window is empty: it begins at %s and ends at %s", timetext.Format(*start), timetext.Format(to))
	}
	return *start, to, nil
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
