package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/bus/hub"
	"github.com/aimdb-go/aimdb/internal/counted"
)

// printHub prints a verification of a hub and returns its exit status as an error.
func printHub(cmd *cobra.Command, f format, v hub.Verification) error {
	if f != asTable && f != asCSV {
		return errors.Join(printOne(cmd, f, layout{}, v), hubVerdict(v))
	}
	l := columns("SITE", "ANSWERS", "MESSAGES", "FIRST", "LAST", "SITE-FIRST", "SITE-LAST", "LAG", "VERDICT")
	l.empty = "the hub has no sites"
	err := printAll(cmd, f, l, each(v.Sites), func(s hub.SiteVerification) []any {
		have := hub.SiteLog{}
		for _, log := range s.Logs {
			have.First, have.Last, have.Messages = log.First, log.Last, have.Messages+log.Messages
		}
		return []any{s.Site, yesNo(s.Answers), have.Messages, have.First, have.Last, s.First, s.Last, s.Lag, s.Verdict}
	})
	if err != nil || f == asCSV {
		return errors.Join(err, hubVerdict(v))
	}
	w := cmd.OutOrStdout()
	for _, s := range v.Sites {
		printSite(w, s)
	}
	for _, problem := range v.Problems {
		fmt.Fprintf(w, "unknown: %s\n", problem)
	}
	if v.Discarded {
		fmt.Fprintf(w, "note: limits have removed what the hub had before its message %d.\n", v.First)
	}
	fmt.Fprintf(w, "%s: %s\n", v.Hub, hubText(v))
	return hubVerdict(v)
}

// printSite prints one sentence for each finding about a site.
func printSite(w io.Writer, s hub.SiteVerification) {
	for _, r := range s.Missing {
		fmt.Fprintf(w, "unknown (%s): %s between the site's sequences %d and %d %s missing at the hub.\n", s.Site, counted.Of(r.Count, "message"), r.From, r.To, counted.Verb(r.Count, "is", "are"))
	}
	for _, h := range s.Holes {
		kind, why := "known", ""
		switch h.Cause {
		case hub.Announced:
			why = "the site lost them on the way to its log, and says so"
		case hub.NotAtSite:
			why = "the site does not have them either; aimdb verify at the site tells why"
		case hub.BeforeHub:
			why = "a limit had discarded them before the hub's first message of the record"
		default:
			kind, why = "unknown", "the site does not say whether it has them"
		}
		fmt.Fprintf(w, "%s (%s): %s of %s %s missing, numbers %d to %d of the run after sequence %d: %s.\n", kind, s.Site, counted.Of(h.Count(), "value"), h.Record, counted.Verb(h.Count(), "is", "are"), h.From, h.To, h.Run, why)
	}
	if s.LeftOut > 0 {
		fmt.Fprintf(w, "unknown (%s): %s of values %s missing.\n", s.Site, counted.Of(s.LeftOut, "more range"), counted.Verb(s.LeftOut, "is", "are"))
	}
	for _, r := range s.Repeats {
		fmt.Fprintf(w, "unknown (%s): the hub has %s of %s twice: the server of the site has made another log of the same messages.\n", s.Site, counted.Of(r.Count, "value"), r.Record)
	}
	for _, problem := range s.Problems {
		fmt.Fprintf(w, "unknown (%s): %s\n", s.Site, problem)
	}
	for _, note := range s.Notes {
		fmt.Fprintf(w, "note (%s): %s\n", s.Site, note)
	}
}

func hubText(v hub.Verification) string {
	lag, away := uint64(0), 0
	for _, s := range v.Sites {
		lag += s.Lag
		if !s.Answers {
			away++
		}
	}
	held := fmt.Sprintf("the hub has %s, %d %s at its sites, and %d of %s %s not answer", counted.Of(v.Messages, "message"), lag, counted.Verb(lag, "waits", "wait"), away, counted.Of(len(v.Sites), "site"), counted.Verb(away, "does", "do"))
	switch v.Verdict {
	case hub.Complete:
		return "complete: " + held + "."
	case hub.LossesKnown:
		return "values are missing, and why is known: " + held + "."
	}
	return "something is missing or damaged, and nobody knows why: " + held + "."
}

func hubVerdict(v hub.Verification) error {
	switch v.Verdict {
	case hub.Complete:
		return nil
	case hub.LossesKnown:
		return exitStatus(exitLost)
	}
	return exitStatus(exitUnknown)
}
