package mcp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
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
