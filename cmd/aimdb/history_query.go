package main

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/history"
)

// historyQuery has the flags of history query.
type historyQuery struct {
	format  format
	latest  int
	ranged  bool
	rows    history.PageQuery
	buckets history.BucketQuery
}

func newHistoryQuery(env func(string) string) *cobra.Command {
	show := credentials{env: env}
	var q historyQuery
	c := &cobra.Command{
		Use:   "query HISTORY PATTERN",
		Short: "Print the newest rows, a span of time, or buckets of time",
		Long: `Print rows of the matching records: the newest rows of each (--latest, the
default), a span of time in order (--range), or summaries of a number in the values
over buckets of time (--bucket with --path).

HISTORY is a file, a DSN of PostgreSQL or the endpoint of a running database.

With --range and --limit, a cursor for the next page is printed on stderr when
there is one.`,
		Example: `  aimdb history query history.db 'accuracy::*'
  aimdb history query history.db accuracy::seattle --latest 10
  aimdb history query history.db '#' --range --from 7d --limit 1000
  aimdb history query history.db '#' --range --from 7d --limit 1000 --cursor CURSOR
  aimdb history query history.db 'accuracy::*' --bucket 1d --path absolute_error
  aimdb history query ws://127.0.0.1:8080/ws 'accuracy::*' --range --from 1h   # of a running database
  aimdb history query postgres://aimdb@127.0.0.1/aimdb 'accuracy::*'`,
		Args: arguments("HISTORY", "PATTERN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := q.parse(cmd, args[1]); err != nil {
				return err
			}
			return asking(cmd, args[0], &show, func(s source) error { return q.print(cmd, s) })
		},
	}
	flags := c.Flags()
	q.format.flag(flags)
	show.flag(c)
	windowFlags(flags, &q.rows.Window)
	flags.IntVar(&q.latest, "latest", 1, "print that many of the newest rows of each record")
	flags.BoolVar(&q.ranged, "range", false, "print all rows by time, oldest first")
	flags.BoolVar(&q.rows.Descending, "desc", false, "with --range: newest first")
	flags.IntVar(&q.rows.Total, "limit", 0, "with --range: at most that many rows, and a cursor for the next page; 0 is all")
	flags.IntVar(&q.rows.PerRecord, "per-record", 0, "with --range: at most that many rows of each record; 0 is all")
	flags.StringVar(&q.rows.Cursor, "cursor", "", "with --range: continue after an earlier page of the same query")
	flags.Var(spanFlag{&q.buckets.Width}, "bucket", "print summaries over buckets of that width (90s, 1h, 7d)")
	flags.StringVar(&q.buckets.Path, "path", "", "with --bucket: the number in the value, such as wind.gust or list[0].t, or a JSON Pointer, such as /wind/gust; empty is the value itself")
	return c
}

// parse checks the combination of flags.
func (q *historyQuery) parse(cmd *cobra.Command, pattern string) (err error) {
	if q.rows.Pattern, err = parsePattern(pattern); err != nil {
		return err
	}
	given := cmd.Flags().Changed
	modes := 0
	for _, flag := range []string{"latest", "range", "bucket"} {
		if given(flag) {
			modes++
		}
	}
	if modes > 1 {
		return usageError{errors.New("--latest, --range and --bucket are three queries; choose one")}
	}
	for flag, with := range map[string]string{"desc": "range", "limit": "range", "per-record": "range", "cursor": "range", "path": "bucket"} {
		if given(flag) && !given(with) {
			return usageError{fmt.Errorf("--%s goes with --%s", flag, with)}
		}
	}
	switch {
	case q.latest < 1:
		return usageError{errors.New("--latest is a number of rows, at least 1")}
	case q.rows.Total < 0 || q.rows.PerRecord < 0:
		return usageError{errors.New("a limit cannot be negative; 0 is all")}
	case given("bucket") && q.buckets.Width <= 0:
		return usageError{errors.New("--bucket is the width of the buckets, such as 1h")}
	}
	return checkWindow(q.rows.Window)
}

func (q *historyQuery) print(cmd *cobra.Command, s source) error {
	switch {
	case q.buckets.Width > 0:
		return q.printBuckets(cmd, s)
	case q.ranged && q.rows.Total > 0:
		return printPage(cmd, q.format, s, q.rows)
	case q.ranged && q.rows.Cursor != "":
		return printRows(cmd, q.format, restOf(cmd.Context(), s, q.rows))
	case q.ranged:
		return printRows(cmd, q.format, s.Range(cmd.Context(), q.rows.RangeQuery))
	}
	return printRows(cmd, q.format, s.Latest(cmd.Context(), history.LatestQuery{
		Pattern: q.rows.Pattern, Limit: q.latest, Window: q.rows.Window,
	}))
}

func printPage(cmd *cobra.Command, f format, s source, q history.PageQuery) error {
	page, err := s.Page(cmd.Context(), q)
	if err != nil {
		return err
	}
	if err := printRows(cmd, f, each(page.Rows)); err != nil {
		return err
	}
	if page.Next != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "next page: --cursor %s\n", page.Next)
	}
	return nil
}

// restOf yields all rows after a cursor, page by page.
func restOf(ctx context.Context, s source, q history.PageQuery) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
		for {
			page, err := s.Page(ctx, q)
			if err != nil {
				yield(history.Row{}, err)
				return
			}
			for _, row := range page.Rows {
				if !yield(row, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			q.Cursor, q.MaxID = page.Next, page.MaxID
		}
	}
}

func (q *historyQuery) printBuckets(cmd *cobra.Command, s source) error {
	q.buckets.Pattern, q.buckets.Window = q.rows.Pattern, q.rows.Window
	return printBuckets(cmd, q.format, q.buckets.Path, s.Buckets(cmd.Context(), q.buckets))
}
