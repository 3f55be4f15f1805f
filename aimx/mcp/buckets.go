package mcp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/timetext"
)

type bucketArguments struct {
	windowArguments
	Width string `json:"width" jsonschema:"the span of one bucket: a number with a unit, such as 90s, 5m, 1h or 1d"`
	Path  string `json:"path,omitempty" jsonschema:"the number inside the values: member names separated by dots, such as celsius or wind.gust, or a JSON Pointer, such as /wind/gust; the value itself if it is left out"`
}

type bucketRow struct {
	Record     string   `json:"record"`
	Start      string   `json:"start" jsonschema:"the begin of the bucket, a multiple of the width since 1970 in UTC"`
	Count      int64    `json:"count" jsonschema:"rows that have the number"`
	Min        *float64 `json:"min" jsonschema:"null where count is 0, as avg, max, first and last"`
	Max        *float64 `json:"max"`
	Mean       *float64 `json:"avg"`
	First      *float64 `json:"first"`
	Last       *float64 `json:"last"`
	Missing    int64    `json:"missing,omitempty" jsonschema:"rows that have nothing at the path"`
	NotNumeric int64    `json:"not_numeric,omitempty" jsonschema:"rows that have something else there"`
}

type bucketAnswer struct {
	Buckets []bucketRow `json:"buckets" jsonschema:"by record, then by time; spans without rows are absent; min to last are null where count is 0"`
	rest
	Hint string `json:"hint,omitempty"`
}

func (s *Server) queryBuckets(ctx context.Context, in bucketArguments) (answer bucketAnswer, err error) {
	pattern, err := parsePattern(in.Pattern)
	if err != nil {
		return answer, err
	}
	width, err := timetext.ParseSpan(strings.TrimSpace(in.Width))
	if err != nil || width < time.Millisecond || width%time.Millisecond != 0 {
		return answer, errors.Join(fmt.Errorf("width %s is not a span of 1 ms or more", quote(in.Width)), err)
	}
	c, err := windowOf(in.Cursor, in.Start, in.End, "query_buckets", in.Endpoint, in.Pattern, in.Width, in.Path)
	if err != nil {
		return answer, err
	}
	if w := c.window(); w.Start != nil {
		end := time.Now().UnixMilli()
		if w.End != nil {
			end = *w.End
		}
		if (end-*w.Start)/width.Milliseconds() > maxBuckets {
			return answer, fmt.Errorf("the window has more than %d buckets of %v; give a greater width", maxBuckets, width)
		}
	}
	var buckets []history.Bucket
	err = s.ask(ctx, in.at, func(client *aimx.Client) (err error) {
		buckets, err = client.HistoryBuckets(ctx, history.BucketQuery{Pattern: pattern, Window: c.window(), Width: width, Path: in.Path})
		return err
	})
	if err != nil {
		return answer, err
	}
	list, numbers, rows := make([]bucketRow, len(buckets)), int64(0), int64(0)
	for i, b := range buckets {
		list[i] = bucketRow{Record: b.Record, Start: timetext.Format(b.Start), Count: b.Count, Missing: b.Missing, NotNumeric: b.NotNumeric}
		if b.Count > 0 {
			list[i].Min, list[i].Max, list[i].Mean, list[i].First, list[i].Last = &b.Min, &b.Max, &b.Mean, &b.First, &b.Last
		}
		numbers, rows = numbers+b.Count, rows+b.Count+b.Missing+b.NotNumeric
	}
	answer.Buckets, answer.rest = part(s.config.AnswerBytes, list, c, maxRows)
	switch {
	case rows == 0:
		answer.Hint = s.whyNoRows(ctx, in.windowArguments)
	case numbers == 0:
		answer.Hint = fmt.Sprintf("none of %d rows has a number at the path %s; query_schema shows the members of the values", rows, quote(in.Path))
	}
	return answer, nil
}
