package mcp

import (
	"context"
	"fmt"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/key"
)

type verifiedRow struct {
	Record    string            `json:"record"`
	Rows      int64             `json:"rows" jsonschema:"rows in the history"`
	Unchecked int64             `json:"unchecked,omitempty" jsonschema:"rows without a checksum, which other programs have written"`
	Waiting   uint64            `json:"waiting,omitempty" jsonschema:"values in the log that the history does not have yet"`
	Lost      map[string]uint64 `json:"lost,omitempty" jsonschema:"values that are known to be lost, by cause"`
	Missing   uint64            `json:"missing,omitempty" jsonschema:"values that are missing and that nobody had counted"`
}

type verifyArguments struct {
	at
	Cursor string `json:"cursor,omitempty" jsonschema:"next_cursor of the answer before; the verification runs again"`
}

type verifyAnswer struct {
	Database     string        `json:"database"`
	Verdict      string        `json:"verdict" jsonschema:"complete; losses_known: values are lost and the ledger names them; unknown_loss: something is missing that nobody knew; unverified"`
	UnknownCount int           `json:"unknown_findings" jsonschema:"findings that nobody knew before"`
	KnownCount   int           `json:"known_findings" jsonschema:"losses that the ledger or the log names; list_losses with ledger lists all"`
	Unverified   string        `json:"unverified,omitempty" jsonschema:"why the rows could not be compared with what was stored"`
	Notes        []string      `json:"notes"`
	Private      string        `json:"private,omitempty" jsonschema:"what is absent because it is about records that clients may not read"`
	Unknown      []lossRow     `json:"unknown" jsonschema:"the first findings that nobody knew"`
	Records      []verifiedRow `json:"records"`
	rest
}

func (s *Server) verification(ctx context.Context, a at) (v aimx.Verification, err error) {
	err = s.ask(ctx, a, func(c *aimx.Client) (err error) {
		v, err = c.HistoryVerify(ctx)
		return err
	})
	return v, err
}

func (s *Server) verifyHistory(ctx context.Context, in verifyArguments) (answer verifyAnswer, err error) {
	c, err := parseCursor(in.Cursor, "verify_history", in.Endpoint)
	if err != nil {
		return answer, err
	}
	v, err := s.verification(ctx, in.at)
	if err != nil {
		return answer, err
	}
	answer = verifyAnswer{
		Database: v.Database, Verdict: string(v.Verdict), Unverified: v.Unverified, Notes: notNil(v.Notes),
		UnknownCount: len(v.Unknown) + v.UnknownLeftOut, KnownCount: len(v.Known) + v.KnownLeftOut,
	}
	if v.Private != (aimx.PrivateFindings{}) {
		answer.Private = fmt.Sprintf("%d records, %d unknown and %d known findings; the verdict includes them", v.Private.Records, v.Private.Unknown, v.Private.Known)
	}
	v.Known = nil
	// Half of the answer is for the findings.
	half := s.config.AnswerBytes / 2
	answer.Unknown, _ = part(half, findings(v, key.WirePattern("#")), cursor{}, 0)
	answer.Records, answer.rest = part(half, verifiedRows(v.Records), c, 0)
	return answer, nil
}

func verifiedRows(list []aimx.VerifiedRecord) []verifiedRow {
	rows := make([]verifiedRow, len(list))
	for i, r := range list {
		rows[i] = verifiedRow{Record: r.Record, Rows: r.Rows, Unchecked: r.Unchecked, Waiting: r.Waiting, Missing: r.Missing}
		for cause, n := range r.Lost {
			if rows[i].Lost == nil {
				rows[i].Lost = map[string]uint64{}
			}
			rows[i].Lost[string(cause)] = n
		}
	}
	return rows
}
