package main

import (
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/counted"
)

// sayNoRows says on stderr why a query of a running database has no rows.
func sayNoRows(cmd *cobra.Command, client *aimx.Client, q history.LatestQuery) {
	reason, err := whyNoRows(cmd, client, q)
	if err != nil {
		reason = fmt.Sprintf("and the reason is not known: %v", err)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s: no rows, %s\n", q.Pattern, reason)
}

func whyNoRows(cmd *cobra.Command, client *aimx.Client, q history.LatestQuery) (string, error) {
	if q.Window != (history.Window{}) {
		rows, err := client.Query(cmd.Context(), q.Pattern.String(), 1, history.Window{})
		if err != nil {
			return "", err
		}
		if len(rows) > 0 {
			return "but there are some outside of --from and --to", nil
		}
	}
	list, err := client.List(cmd.Context())
	if err != nil {
		return "", err
	}
	matching, persisted, unsaid := 0, 0, 0
	for _, r := range list {
		switch {
		case !q.Pattern.Match(r.Key):
			continue
		case r.Persisted == nil:
			unsaid++
		case *r.Persisted:
			persisted++
		}
		matching++
	}
	switch {
	case matching == 0:
		return "because no record matches; 'aimdb record list' names those there are", nil
	case persisted > 0:
		return fmt.Sprintf("because nothing is stored yet of the %s that %s", counted.Of(persisted, "persisted record"), counted.Verb(persisted, "matches", "match")), nil
	case unsaid > 0:
		return fmt.Sprintf("and the server does not say whether any of the %s that %s is persisted", counted.Of(matching, "record"), counted.Verb(matching, "matches", "match")), nil
	}
	return fmt.Sprintf("because none of the %s that %s is persisted", counted.Of(matching, "record"), counted.Verb(matching, "matches", "match")), nil
}

// found counts what the buckets of a query hold.
type found struct{ numbers, missing, notNumeric int64 }

// of yields buckets and counts what they hold.
func (f *found) of(buckets iter.Seq2[history.Bucket, error]) iter.Seq2[history.Bucket, error] {
	return func(yield func(history.Bucket, error) bool) {
		for b, err := range buckets {
			f.numbers += b.Count
			f.missing += b.Missing
			f.notNumeric += b.NotNumeric
			if !yield(b, err) {
				return
			}
		}
	}
}

// sayNoNumber says on stderr that rows have no number at a path.
func (f *found) sayNoNumber(cmd *cobra.Command, path string) {
	rows := f.missing + f.notNumeric
	switch {
	case f.numbers > 0 || rows == 0:
	case f.notNumeric == 0:
		fmt.Fprintf(cmd.ErrOrStderr(), "none of %s has anything at the path %q\n", counted.Of(rows, "value"), path)
	default:
		fmt.Fprintf(cmd.ErrOrStderr(), "none of %s has a number at the path %q; %d %s something else there\n", counted.Of(rows, "value"), path, f.notNumeric, counted.Verb(f.notNumeric, "has", "have"))
	}
}
