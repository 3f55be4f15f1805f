package main

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks/postgres"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// lost has the flags that list losses and dead letters.
type lost struct {
	losses, deadLetters bool
}

func (l *lost) flags(c *cobra.Command) {
	c.Flags().BoolVar(&l.losses, "losses", false, "list the ledger of losses instead, oldest first (of a file or PostgreSQL)")
	c.Flags().BoolVar(&l.deadLetters, "dead-letters", false, "list the values that the history refused permanently instead (of a file or PostgreSQL)")
}

func (l *lost) wanted() bool { return l.losses || l.deadLetters }

func (l *lost) print(cmd *cobra.Command, path string, f format) error {
	if l.losses && l.deadLetters {
		return usageError{errors.New("--losses and --dead-letters are two lists; choose one")}
	}
	return keptIn(cmd, path, false, func(s kept) error {
		if l.losses {
			return printLosses(cmd, s, f)
		}
		return printDeadLetters(cmd, s, f)
	})
}

// kept is a store with a ledger of losses and dead letters.
type kept interface {
	history.DeadLetters
	Losses(ctx context.Context) iter.Seq2[loss.Loss, error]
}

// keptIn opens a store in a file or in PostgreSQL. A file is opened for reading only
// unless something is changed.
func keptIn(cmd *cobra.Command, target string, change bool, do func(kept) error) error {
	if isPostgres(target) {
		return inPostgres(cmd, target, func(s *postgres.Store) error { return do(s) })
	}
	if err := checkFile(cmd, target); err != nil {
		return err
	}
	open := reading
	if change {
		open = writing
	}
	return open(cmd, target, func(s *sqlite.Store) error { return do(s) })
}

func printLosses(cmd *cobra.Command, s kept, f format) error {
	l := columns("RECORD", "CAUSE", "COUNT", "NUMBERS", "FIRST", "LAST")
	l.empty = "nothing is lost"
	return printAll(cmd, f, l, s.Losses(cmd.Context()), func(l loss.Loss) []any {
		record, numbers := l.Record, "-"
		if record == "" {
			record = "-" // a loss of the log, whose records are unknown
		}
		switch {
		case l.To > 0:
			numbers = fmt.Sprintf("%d-%d", l.From, l.To)
		case l.From > 0:
			numbers = fmt.Sprintf("%d-", l.From)
		}
		return []any{record, l.Cause, l.Count, numbers, timeOrDash(l.FirstTime), timeOrDash(l.LastTime)}
	})
}

// deadLetter is the printed form of a refused value. The value is a text, because it
// may not be JSON.
type deadLetter struct {
	ID       int64  `json:"id"`
	Record   string `json:"record"`
	Sequence uint64 `json:"sequence"`
	Time     int64  `json:"time"`
	Reason   string `json:"reason"`
	Value    string `json:"value"`
}

func printDeadLetters(cmd *cobra.Command, s history.DeadLetters, f format) error {
	l := columns("ID", "RECORD", "SEQUENCE", "TIME", "REASON", "VALUE")
	l.empty = "no dead letters"
	return printAll(cmd, f, l, lettersOf(s.DeadLetters(cmd.Context())), func(d deadLetter) []any {
		return []any{d.ID, d.Record, d.Sequence, formatTime(d.Time), d.Reason, fmt.Sprintf("%.60q", d.Value)}
	})
}

func lettersOf(all iter.Seq2[history.DeadLetter, error]) iter.Seq2[deadLetter, error] {
	return func(yield func(deadLetter, error) bool) {
		for l, err := range all {
			if !yield(deadLetter{l.ID, l.Record, l.Sequence, l.Time, l.Reason, string(l.Value)}, err) {
				return
			}
		}
	}
}
