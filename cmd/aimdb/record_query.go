package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
)

// recordQuery has the flags of record query.
type recordQuery struct {
	at     connection
	format format
	order  order
	// latest is the number of rows of each record, limit that of the rows of a page.
	latest, limit int
	all           bool
	// paged is true if a cursor is given, which is empty for the first page.
	paged  bool
	cursor string
	bucket time.Duration
	path   string
	window history.Window
}

func newRecordQuery(env func(string) string) *cobra.Command {
	q := recordQuery{at: connection{credentials: credentials{env: env}}, order: ascending}
	c := &cobra.Command{
		Use:   "query PATTERN",
		Short: "Print stored rows of matching records",
		Long: `Print stored rows of the matching records by time: the newest rows of each (--latest, the
default), all rows (--all), a page of them (--cursor), or summaries of a number in the values
over buckets of time (--bucket with --path). In a pattern, * is one segment of a key and # is
any number of segments.

A page has --limit rows, and the cursor for the next one is printed on stderr. --all asks for
page by page until there are no more rows, or --limit of them.`,
		Example: `  aimdb record query 'accuracy::*'                     # one row of each city
  aimdb record query 'accuracy::*' --latest 24 --from 1d
  aimdb record query '#' --all --from 2026-01-01T00:00:00Z --format csv
  aimdb record query '#' --cursor '' --limit 100 --order desc
  aimdb record query 'accuracy::*' --bucket 1h --path absolute_error`,
		Args: arguments("PATTERN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			pattern, err := parsePattern(args[0])
			if err == nil {
				err = q.check(cmd.Flags())
			}
			if err != nil {
				return err
			}
			return connected(cmd.Context(), q.at.target(), &q.at.credentials, func(client *aimx.Client) error {
				return q.print(cmd, client, history.LatestQuery{Pattern: pattern, Limit: q.latest, Window: q.window})
			})
		},
	}
	q.at.flag(c)
	q.format.flag(c.Flags())
	q.flags(c.Flags())
	return c
}

func (q *recordQuery) flags(flags *pflag.FlagSet) {
	windowFlags(flags, &q.window)
	flags.IntVar(&q.latest, "latest", 1, "that many of the newest rows of each record")
	flags.IntVar(&q.limit, "limit", 0, "with --cursor: rows of a page; with --all: rows in all; otherwise as --latest")
	flags.Var(&q.order, "order", "oldest rows first, or newest")
	flags.BoolVar(&q.all, "all", false, "all rows, page by page")
	flags.StringVar(&q.cursor, "cursor", "", "a page that begins after the one that ended with this cursor; '' is the first page")
	flags.Var(spanFlag{&q.bucket}, "bucket", "summaries over spans of this width (1m, 1d)")
	flags.StringVar(&q.path, "path", "", "with --bucket: the number in the values, such as celsius or gust.speed, or a JSON Pointer, such as /gust/speed")
}

// check checks the combination of flags. --limit alone was the name of --latest.
func (q *recordQuery) check(flags *pflag.FlagSet) error {
	q.paged = flags.Changed("cursor")
	modes := 0
	for _, flag := range []string{"latest", "all", "cursor", "bucket"} {
		if flags.Changed(flag) {
			modes++
		}
	}
	if modes == 0 && flags.Changed("limit") {
		q.latest = q.limit
	}
	switch {
	case modes > 1 && (modes > 2 || !q.all || !q.paged):
		return usageError{errors.New("--latest, --all, --cursor and --bucket are four queries; choose one, or --all with --cursor")}
	case q.latest < 1 || q.limit < 0:
		return usageError{errors.New("--latest and --limit are numbers of rows, at least 1")}
	case flags.Changed("limit") && (flags.Changed("latest") || flags.Changed("bucket")):
		return usageError{errors.New("--limit goes with --all or --cursor")}
	case flags.Changed("path") && !flags.Changed("bucket"):
		return usageError{errors.New("--path goes with --bucket")}
	case flags.Changed("bucket") && (q.bucket <= 0 || q.order == descending):
		return usageError{errors.New("--bucket is the width of the buckets, such as 1h; they are printed by record and time")}
	}
	if q.paged && !q.all && q.limit == 0 {
		q.limit = 100
	}
	return checkWindow(q.window)
}

func (q *recordQuery) print(cmd *cobra.Command, client *aimx.Client, latest history.LatestQuery) error {
	from := &remote{client: client}
	defer func() { leftOut(cmd, from.leftOut) }()
	page := history.PageQuery{Cursor: q.cursor, RangeQuery: history.RangeQuery{
		Pattern: latest.Pattern, Window: q.window, Descending: q.order == descending, Total: q.limit}}
	switch {
	case q.bucket > 0:
		return printBuckets(cmd, q.format, q.path, from.Buckets(cmd.Context(),
			history.BucketQuery{Pattern: latest.Pattern, Window: q.window, Width: q.bucket, Path: q.path}))
	case q.all:
		return printRows(cmd, q.format, from.rows(cmd.Context(), page))
	case q.paged:
		return printPage(cmd, q.format, from, page)
	}
	rows, err := client.Query(cmd.Context(), latest.Pattern.String(), latest.Limit, latest.Window)
	if err != nil {
		return err
	}
	if q.order == descending {
		slices.Reverse(rows)
	}
	if len(rows) == 0 {
		if sayNoRows(cmd, client, latest); q.format == asTable {
			return nil
		}
	}
	return printRows(cmd, q.format, each(rows))
}

// order is the flag for the order of rows by time.
type order string

const (
	ascending  order = "asc"
	descending order = "desc"
)

// String implements pflag.Value.
func (o *order) String() string { return string(*o) }

// Set implements pflag.Value.
func (o *order) Set(s string) error {
	if order(s) != ascending && order(s) != descending {
		return fmt.Errorf("write %s or %s", ascending, descending)
	}
	*o = order(s)
	return nil
}

// Type implements pflag.Value.
func (*order) Type() string { return "asc|desc" }
