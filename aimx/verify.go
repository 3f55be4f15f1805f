package aimx

import (
	"context"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
)

// Verdict is the result of a verification in one word.
type Verdict string

// The verdicts.
const (
	// Complete: history and log hold everything that was accepted.
	Complete Verdict = "complete"
	// LossesKnown: values are lost, and all of that is known: the ledger or the log
	// names it.
	LossesKnown Verdict = "losses_known"
	// UnknownLoss: something is missing or damaged that nobody knew.
	UnknownLoss Verdict = "unknown_loss"
	// Unverified: the history cannot prove what it holds, and nothing else is missing
	// that nobody knew. See Verification.Unverified.
	Unverified Verdict = "unverified"
)

// Verification is what history and log of a database hold, and every range that is
// missing in both.
type Verification struct {
	Database string  `json:"database"`
	Verdict  Verdict `json:"verdict"`
	// Records are the records with rows, waiting values or losses, by name.
	Records []VerifiedRecord `json:"records"`
	// Unknown is what nobody knew before, Known what the ledger or the log names. Each
	// has at most 1000 entries; UnknownLeftOut and KnownLeftOut count the others.
	Unknown        []Finding `json:"unknown"`
	Known          []Finding `json:"known"`
	UnknownLeftOut int       `json:"unknown_left_out"`
	KnownLeftOut   int       `json:"known_left_out"`
	// Unverified says why the rows of the history could not be compared with what was
	// stored. It is empty if they were.
	Unverified string `json:"unverified,omitempty"`
	// Notes are sentences about what else could not be verified.
	Notes []string `json:"notes"`
	// Checkpoint is how far the history has the log, whose sequences are LogFirst to
	// LogLast, or were up to LogMark at the time of its last mark.
	Checkpoint history.Position `json:"checkpoint"`
	LogFirst   uint64           `json:"log_first"`
	LogLast    uint64           `json:"log_last"`
	LogMark    uint64           `json:"log_mark"`
	// Repaired is set if a repair was asked for before.
	Repaired *history.Repaired `json:"repaired,omitempty"`
	// Private counts what is absent from an answer over an endpoint, because it is
	// about records that are not registered with Remote. The verdict includes it.
	Private PrivateFindings `json:"private"`
}

// PrivateFindings counts what is absent from a Verification.
type PrivateFindings struct {
	Records int `json:"records"`
	Unknown int `json:"unknown"`
	Known   int `json:"known"`
}

// VerifiedRecord is what there is of one record.
type VerifiedRecord struct {
	Record string `json:"record"`
	// Rows is the number of rows in the history. Unchecked of them have no checksum:
	// other programs or older versions have written them.
	Rows      int64 `json:"rows"`
	Unchecked int64 `json:"unchecked"`
	// Waiting is the number of values in the log that the history does not have yet.
	Waiting uint64 `json:"waiting"`
	// Lost counts the values that are known to be lost, by cause.
	Lost map[loss.Cause]uint64 `json:"lost,omitempty"`
	// Missing counts the values and damaged rows of the record that nobody knew to be
	// lost.
	Missing uint64 `json:"missing"`
}

// Finding is something that is missing or damaged. A loss without a cause is one of
// which nobody knows the cause.
type Finding struct {
	loss.Loss
	// Where is "history", "log" or "ledger": where it was found.
	Where string `json:"where"`
	// Text says it in sentences: what, why, and what to do.
	Text string `json:"text"`
}

// HistoryVerify verifies the history and the log of the server's database. It reads
// all of both, which may take minutes.
func (c *Client) HistoryVerify(ctx context.Context) (Verification, error) {
	var v Verification
	raw, err := c.call(ctx, wire.MethodHistoryVerify, "", nil)
	if err != nil {
		return v, err
	}
	err = c.decode(wire.MethodHistoryVerify, raw, &v)
	return v, err
}
