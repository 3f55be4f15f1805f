package bus

import (
	"context"
	"fmt"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
)

// maxFindings bounds each list of a LogVerification.
const maxFindings = 1000

// LogVerification is what the log holds after the checkpoint of a sink, and what it
// does not hold although it should.
type LogVerification struct {
	// Log is the identity of the log. It is empty if there is no log.
	Log string `json:"log"`
	// First and Last are the sequences that the log holds, After is the one after
	// which the sink reads on.
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	After uint64 `json:"after"`
	// Mark is what the log is known to have held. It is zero if there is no mark.
	Mark Mark `json:"mark,omitzero"`
	// Waiting counts the values after After that can be read, by record.
	Waiting map[string]uint64 `json:"waiting"`
	// Missing is what the sink will not get and nobody has counted yet, in the order
	// of the log. A range of the log may be followed by the shares of records in it.
	Missing []LogFinding `json:"missing"`
	// Announced are losses that the log, or the note of the last stop, names. The
	// sink will count them when it reads on.
	Announced []LogFinding `json:"announced"`
	// Copied says that there is neither a log nor a trace of one, and a sink that has read
	// one: it is a copy, or all of that was deleted. What it does not have is announced.
	Copied bool `json:"copied,omitempty"`
	// LeftOut counts the findings of both lists that were left out because there are
	// more than 1000.
	LeftOut int `json:"left_out"`
	// Problems are sentences about damage other than missing messages, Notes about
	// what could not be verified.
	Problems []string `json:"problems"`
	Notes    []string `json:"notes"`
}

// LogFinding is a loss, and where in the log a sink meets it.
type LogFinding struct {
	loss.Loss
	// Sequence is the position in the log: a sink with a later checkpoint has dealt
	// with the loss. It is 0 if a sink does so when it begins to read.
	Sequence uint64 `json:"sequence"`
}

// Since removes what a sink has dealt with that has stored the log up to a position
// by now. Findings of a running database need it: meanwhile the sink has stored
// messages, which the log may then discard.
func (v *LogVerification) Since(now history.Position) {
	if now.Log != v.Log {
		return
	}
	v.Missing = since(v.Missing, now.Sequence)
	v.Announced = since(v.Announced, now.Sequence)
}

func since(all []LogFinding, sequence uint64) []LogFinding {
	var rest []LogFinding
	for _, f := range all {
		if f.Sequence > 0 && f.Sequence <= sequence {
			continue
		}
		if f.inLog() && f.From <= sequence && sequence < f.To {
			f.From, f.Count = sequence+1, f.To-sequence
		}
		rest = append(rest, f)
	}
	return rest
}

// inLog reports whether the loss is a range of sequences that is missing in the log.
func (f *LogFinding) inLog() bool {
	switch f.Cause {
	case loss.LogDiscarded, loss.LogTruncated, loss.LogDamaged:
		return f.Record == "" && f.Count > 0 && f.Sequence > 0
	}
	return false
}

// Verify reads the log after the checkpoint of a sink to its present end and compares
// it with what it should hold. It writes nothing, and it finds what [Bus.Consumer]
// would count. It needs neither Restore nor a Republisher.
func (b *Bus) Verify(ctx context.Context, from history.Position) (LogVerification, error) {
	c := newLogCheck(b, from)
	if err := c.run(ctx); err != nil {
		return LogVerification{}, fmt.Errorf("bus: verify the log: %w", err)
	}
	return c.LogVerification, nil
}

// VerifyMissing is Verify for a database whose log does not exist. The state directory
// may still have the mark of that log.
func VerifyMissing(ctx context.Context, config Config, from history.Position) (LogVerification, error) {
	b, err := newBus(nil, config)
	if err != nil {
		return LogVerification{}, err
	}
	b.absent = true
	return b.Verify(ctx, from)
}
