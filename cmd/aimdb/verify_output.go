package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	embedded "github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/internal/counted"
)

// printVerification prints a verification and returns its exit status as an error.
func printVerification(cmd *cobra.Command, f format, target string, v embedded.Verification) error {
	if f != asTable && f != asCSV {
		return errors.Join(printOne(cmd, f, layout{}, v), verdictError(v))
	}
	l := columns("RECORD", "ROWS", "UNCHECKED", "WAITING", "LOST", "MISSING")
	l.empty = "" // the verdict follows
	err := printAll(cmd, f, l, each(v.Records), func(r aimx.VerifiedRecord) []any {
		lost := uint64(0)
		for _, n := range r.Lost {
			lost += n
		}
		return []any{r.Record, r.Rows, r.Unchecked, r.Waiting, lost, r.Missing}
	})
	if err != nil || f == asCSV {
		return errors.Join(err, verdictError(v))
	}
	printFindings(cmd.OutOrStdout(), v)
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", target, verdictText(v))
	return verdictError(v)
}

// printFindings prints one sentence or two for each finding.
func printFindings(w io.Writer, v embedded.Verification) {
	if r := v.Repaired; r != nil {
		fmt.Fprintf(w, "repaired: %s stored again from the log, %d %s lost.\n", counted.Of(r.Restored, "row")+counted.Verb(r.Restored, " was", " were"), r.Lost, counted.Verb(r.Lost, "is", "are"))
		if r.Aside != "" {
			fmt.Fprintf(w, "The structure of the history was damaged: what could be read is in a new file, and the old one is kept as %s.\n", r.Aside)
		}
	}
	for _, f := range v.Known {
		fmt.Fprintf(w, "known (%s): %s\n", f.Where, f.Text)
	}
	if v.KnownLeftOut > 0 {
		fmt.Fprintf(w, "known: %d more, see aimdb history stats --losses.\n", v.KnownLeftOut)
	}
	for _, f := range v.Unknown {
		fmt.Fprintf(w, "unknown (%s): %s\n", f.Where, f.Text)
	}
	if v.UnknownLeftOut > 0 {
		fmt.Fprintf(w, "unknown: %d more.\n", v.UnknownLeftOut)
	}
	if p := v.Private; p.Records+p.Known+p.Unknown > 0 {
		fmt.Fprintf(w, "%s %s absent (not registered with Remote). Findings about private records: %d known, %d unknown.\n", counted.Of(p.Records, "private record"), counted.Verb(p.Records, "is", "are"), p.Known, p.Unknown)
	}
	for _, note := range v.Notes {
		fmt.Fprintf(w, "note: %s\n", note)
	}
}

func verdictText(v embedded.Verification) string {
	rows, waiting := int64(0), uint64(0)
	for _, r := range v.Records {
		rows, waiting = rows+r.Rows, waiting+r.Waiting
	}
	held := fmt.Sprintf("the history has %s, and %s %s for it in the log", counted.Of(rows, "row"), counted.Of(waiting, "value"), counted.Verb(waiting, "waits", "wait"))
	switch v.Verdict {
	case aimx.Complete:
		return "complete: " + held + "."
	case aimx.LossesKnown:
		return "values are lost, and all of that is known: " + held + "."
	case aimx.Unverified:
		return "not verified: " + v.Unverified
	}
	n := len(v.Unknown) + v.UnknownLeftOut + v.Private.Unknown
	return fmt.Sprintf("something is missing or damaged that nobody knew (%s): %s.", counted.Of(n, "finding"), held)
}

func verdictError(v embedded.Verification) error {
	switch v.Verdict {
	case aimx.Complete:
		return nil
	case aimx.LossesKnown:
		return exitStatus(exitLost)
	case aimx.UnknownLoss:
		return exitStatus(exitUnknown)
	}
	return errors.New("the history could not be verified: " + v.Unverified)
}
