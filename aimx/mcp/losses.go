package mcp

import (
	"context"
	"errors"
	"fmt"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/loss"
)

// lossRow is a number of values that were lost.
type lossRow struct {
	Record    string `json:"record,omitempty" jsonschema:"absent if it is not known which record it was"`
	Cause     string `json:"cause,omitempty" jsonschema:"absent if the cause is not known"`
	Meaning   string `json:"meaning" jsonschema:"the cause in words"`
	Count     uint64 `json:"count" jsonschema:"values, or messages of the log if record is absent; 0 is unknown"`
	From      uint64 `json:"from,omitempty" jsonschema:"first number of the range"`
	To        uint64 `json:"to,omitempty" jsonschema:"last number of the range"`
	FirstTime string `json:"first_time,omitempty" jsonschema:"the lost values were written from here, or a little later"`
	LastTime  string `json:"last_time,omitempty" jsonschema:"and until here, or a little earlier"`
	Where     string `json:"where" jsonschema:"who counts it: ring (a reader of the record in memory), ledger, log or history"`
	Known     bool   `json:"known" jsonschema:"false for what the verification found and nobody had counted"`
}

type lossArguments struct {
	at
	Pattern string `json:"record_name,omitempty" jsonschema:"a key or a pattern; all records if it is left out"`
	Ledger  bool   `json:"ledger,omitempty" jsonschema:"also read the ledger of the history: this verifies the whole history and may take minutes"`
	Cursor  string `json:"cursor,omitempty" jsonschema:"next_cursor of the answer before"`
}

type lossAnswer struct {
	Losses []lossRow `json:"losses"`
	rest
	LedgerLost uint64 `json:"ledger_lost" jsonschema:"number of values in the ledger of the history"`
	Hint       string `json:"hint,omitempty"`
}

type sinksAnswer struct {
	Sinks []sinkRow `json:"sinks"`
	rest
}

type sinkRow struct {
	Name       string `json:"name"`
	State      string `json:"state" jsonschema:"ok, or what the sink waits for"`
	Sequence   uint64 `json:"sequence" jsonschema:"the last message of the log that it has stored"`
	Lost       uint64 `json:"lost" jsonschema:"values that it did not get, since the start"`
	Refused    uint64 `json:"refused" jsonschema:"values that it refused for good, since the start"`
	Retries    uint64 `json:"retries"`
	LastCommit string `json:"last_commit,omitempty" jsonschema:"time of the last commit"`
}

func (s *Server) addLossTools() {
	addTool(s, tool{name: "list_losses", title: "What was lost, and why",
		description: "List values that were lost, with record, cause, number and time. Without ledger it lists what the records in memory have counted since the start.", timeout: verifyTimeout}, s.listLosses)
	addTool(s, tool{name: "list_sinks", title: "Where values are stored",
		description: "List the sinks of a database, which store the log: whether they work, how far they are, and what they lost."}, s.listSinks)
	addTool(s, tool{name: "verify_history", title: "Verify history and log",
		description: "Verify that history and log hold everything that was accepted, or name what is missing and why. It reads all of both, which may take minutes.", timeout: verifyTimeout}, s.verifyHistory)
	addTool(s, tool{name: "explain_gap", title: "Why values are missing",
		description: "Explain why a record has no values, or too few, in a span of time: finds the gaps between its rows, and the losses, stops, sinks and retention that explain them."}, s.explainGap)
}

func (s *Server) listLosses(ctx context.Context, in lossArguments) (answer lossAnswer, err error) {
	pattern, err := parsePattern(in.Pattern)
	if err != nil {
		return answer, err
	}
	c, err := parseCursor(in.Cursor, "list_losses", in.Endpoint, in.Pattern, in.Ledger)
	if err != nil {
		return answer, err
	}
	list, err := s.list(ctx, in.at)
	if err != nil {
		return answer, err
	}
	rows := ringLosses(list, pattern)
	stats, err := s.stats(ctx, in.at)
	if refusal := (*aimx.Refusal)(nil); err != nil && !errors.As(err, &refusal) {
		return answer, err
	}
	answer.LedgerLost = stats.Lost
	if in.Ledger {
		v, err := s.verification(ctx, in.at)
		if err != nil {
			return answer, err
		}
		rows = append(rows, findings(v, pattern)...)
		if n := v.UnknownLeftOut + v.KnownLeftOut; n > 0 {
			answer.Hint = fmt.Sprintf("the database has left out %d more findings", n)
		}
	} else if stats.Lost > 0 {
		answer.Hint = fmt.Sprintf("the ledger of the history has %d more lost values: call again with ledger true", stats.Lost)
	}
	answer.Losses, answer.rest = part(s.config.AnswerBytes, rows, c, 0)
	return answer, nil
}

// ringLosses returns what records in memory have counted.
func ringLosses(list []aimx.RecordInfo, pattern key.Pattern) (rows []lossRow) {
	for _, r := range list {
		if !pattern.Match(r.Key) {
			continue
		}
		for _, l := range r.Losses {
			l.Record = r.Key
			rows = append(rows, lossOf(l, "ring", true))
		}
	}
	return rows
}

func findings(v aimx.Verification, pattern key.Pattern) (rows []lossRow) {
	add := func(list []aimx.Finding, known bool) {
		for _, f := range list {
			if f.Record == "" || pattern.Match(f.Record) {
				row := lossOf(f.Loss, f.Where, known)
				if f.Cause == "" {
					row.Meaning = f.Text
				}
				rows = append(rows, row)
			}
		}
	}
	add(v.Unknown, false)
	add(v.Known, true)
	return rows
}

func lossOf(l loss.Loss, where string, known bool) lossRow {
	return lossRow{
		Record: l.Record, Cause: string(l.Cause), Meaning: meaning(l.Cause), Count: l.Count, From: l.From, To: l.To,
		FirstTime: timeOf(l.FirstTime), LastTime: timeOf(l.LastTime), Where: where, Known: known,
	}
}

// meaning says a cause in words.
func meaning(cause loss.Cause) string {
	switch cause {
	case loss.RingOverrun:
		return "a reader was too slow for the ring of the record, which overwrote the oldest values"
	case loss.MailboxOverwritten:
		return "the next value came before the reader had taken this one; mailboxes work so"
	case loss.ProducedAfterClose:
		return "the value was produced after the database was closed"
	case loss.NotEncodable:
		return "JSON cannot carry the value, such as NaN"
	case loss.LogRefused:
		return "the log did not take the value"
	case loss.LogDiscarded:
		return "the log reached its limit of size or age before the sink had read it: the sink was away or too slow"
	case loss.LogMissing:
		return "the log was deleted or replaced"
	case loss.LogTruncated:
		return "the log lost its end, by a power loss or a disk that does not sync"
	case loss.LogDamaged:
		return "messages of the log cannot be read: the disk or its files are damaged"
	case loss.NotLogged:
		return "the program stopped before the value was in the log"
	case loss.HistoryDamaged:
		return "rows of the history vanished or changed, and the log no longer held them"
	case loss.SinkRefused:
		return "the store refused the value for good; it is among the dead letters"
	case "":
		return "nobody knows the cause"
	}
	return "a cause that this version does not know"
}

func (s *Server) listSinks(ctx context.Context, in graphArguments) (answer sinksAnswer, err error) {
	c, err := parseCursor(in.Cursor, "list_sinks", in.Endpoint)
	if err != nil {
		return answer, err
	}
	sinks, err := s.sinks(ctx, in.at)
	if err != nil {
		return answer, err
	}
	rows := make([]sinkRow, len(sinks))
	for i, one := range sinks {
		rows[i] = sinkRow{Name: one.Name, State: one.State, Sequence: one.Sequence, Lost: one.Lost, Refused: one.Refused, Retries: one.Retries, LastCommit: timeOf(one.LastCommit)}
	}
	answer.Sinks, answer.rest = part(s.config.AnswerBytes, rows, c, 0)
	return answer, nil
}

func (s *Server) sinks(ctx context.Context, a at) (sinks []aimx.SinkInfo, err error) {
	err = s.ask(ctx, a, func(c *aimx.Client) (err error) {
		sinks, err = c.Sinks(ctx)
		return err
	})
	return sinks, err
}
