package aimdb

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
)

// Verification is what history and log of a database hold, and every range that is
// missing in both.
type Verification = aimx.Verification

// ErrNotVerifiable is the error of a repair of a backend that cannot prove what it has
// stored: it is no [history.Verifier].
var ErrNotVerifiable = errors.New("aimdb: this backend cannot verify its rows")

// ledger is a backend that keeps the losses that it was told of.
type ledger interface {
	Losses(ctx context.Context) iter.Seq2[loss.Loss, error]
}

// verifyAttempts is how often a verification begins again because the history was
// replaced meanwhile.
const verifyAttempts = 3

// Verify proves that history and log hold everything that was accepted, or names what
// is missing. It reads all of both and changes nothing. A database may run meanwhile:
// what is stored, pruned or discarded in that time is no finding. Before Run it sees
// the log as the last stop left it, with its lost end filled.
//
// A loss is known if the ledger of the backend has it, or if the log names it. A range
// that is missing in the log is unknown until the backend has read on and counted it.
// The result says nothing about sinks other than the backend.
func (db *DB) Verify(ctx context.Context) (Verification, error) {
	if db.config.Backend == nil {
		return Verification{}, db.failed(ErrNoHistory, "verify")
	}
	for range verifyAttempts {
		v, err := db.verifyOnce(ctx)
		if !errors.Is(err, errMoved) {
			return v, db.failed(err, "verify database %q", db.config.Name)
		}
	}
	return Verification{}, db.failed(errMoved, "verify database %q", db.config.Name)
}

// errMoved says that the checkpoint changed in another way than by storing more.
var errMoved = errors.New("the history or the log was replaced meanwhile; verify again")

// verifyOnce reads the history before the log, so that no value is in neither, and the
// ledger last, so that it has what was counted meanwhile.
func (db *DB) verifyOnce(ctx context.Context) (Verification, error) {
	r := newVerifyReport(db.config.Name)
	at, err := db.verifyHistory(ctx, r)
	if err != nil {
		return r.Verification, err
	}
	log, err := db.verifyLog(ctx, at)
	if err != nil {
		return r.Verification, err
	}
	if err := db.awaitStored(ctx, log.Missing); err != nil {
		return r.Verification, err
	}
	now, err := db.config.Backend.Checkpoint(ctx)
	if err != nil {
		return r.Verification, fmt.Errorf("read the checkpoint of the history: %w", err)
	}
	if at.Log != "" && (now.Log != at.Log || now.Sequence < at.Sequence) {
		return r.Verification, errMoved
	}
	log.Since(now)
	r.addLog(log)
	if err := db.readLedger(ctx, r); err != nil {
		return r.Verification, err
	}
	return r.conclude(), nil
}

// awaitStored gives a running database a little time to store or count what is missing
// in the log: the pump may have read messages that the log has discarded since.
func (db *DB) awaitStored(ctx context.Context, missing []bus.LogFinding) error {
	pumps := db.allPumps()
	if len(pumps) == 0 || len(missing) == 0 {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, checkpointTimeout)
	defer cancel()
	for _, f := range missing {
		if pumps[0].WaitStored(limited, f.Sequence) != nil {
			break // it stays unknown
		}
	}
	return ctx.Err()
}

// verifyHistory adds what the history holds, and returns its checkpoint.
func (db *DB) verifyHistory(ctx context.Context, r *verifyReport) (history.Position, error) {
	verifier, can := db.config.Backend.(history.Verifier)
	if can {
		v, err := verifier.Verify(ctx)
		if err != nil {
			return v.Position, fmt.Errorf("verify the history: %w", err)
		}
		r.addHistory(v)
		return v.Position, nil
	}
	r.Unverified = fmt.Sprintf("The backend %s cannot compare its rows with what was stored: it is no history.Verifier.", db.config.Backend.Name())
	at, err := db.config.Backend.Checkpoint(ctx)
	if err != nil {
		return at, fmt.Errorf("read the checkpoint of the history: %w", err)
	}
	stats, err := db.config.Backend.Stats(ctx)
	if err != nil {
		return at, fmt.Errorf("read the statistics of the history: %w", err)
	}
	v := history.Verification{Position: at}
	for _, one := range stats.Records {
		v.Records = append(v.Records, history.VerifiedRecord{Record: one.Record, Rows: one.Rows, Unchecked: one.Rows})
	}
	r.addHistory(v)
	return at, nil
}

func (db *DB) verifyLog(ctx context.Context, at history.Position) (bus.LogVerification, error) {
	if db.bus == nil {
		return bus.VerifyMissing(ctx, bus.Config{Name: db.config.Name, StateDir: db.config.Dir, Logger: db.config.Logger}, at)
	}
	return db.bus.Verify(ctx, at)
}

func (db *DB) readLedger(ctx context.Context, r *verifyReport) error {
	book, has := db.config.Backend.(ledger)
	if !has {
		r.Notes = append(r.Notes, fmt.Sprintf("The backend %s has no ledger that can be read: which losses are known is not known.", db.config.Backend.Name()))
		return nil
	}
	for l, err := range book.Losses(ctx) {
		if err != nil {
			return fmt.Errorf("read the ledger of losses: %w", err)
		}
		r.addKnown("ledger", l, lossText(l))
	}
	return nil
}

// Repair stores rows again that the backend has lost or that were changed, as far as
// the log still holds their values. It counts the others as lost, and returns the
// verification after that. The backend must be at work: the database runs, or comes
// from [OpenStopped].
func (db *DB) Repair(ctx context.Context) (v Verification, err error) {
	if db.config.Backend == nil {
		return v, db.failed(ErrNoHistory, "repair")
	}
	verifier, can := db.config.Backend.(history.Verifier)
	if !can {
		return v, db.failed(ErrNotVerifiable, "repair")
	}
	if db.stopped {
		end := db.runMeanwhile()
		defer func() { err = errors.Join(err, end()) }()
	}
	done, err := verifier.Repair(ctx, db.readLogShapes)
	if err != nil {
		return v, db.failed(err, "repair the history of database %q", db.config.Name)
	}
	v, err = db.Verify(ctx)
	v.Repaired = &done
	return v, err
}

// runMeanwhile runs the backend until end is called.
func (db *DB) runMeanwhile() (end func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- db.runBackend(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// readLogShapes yields what readLog does, and each value of an older shape again in all
// shapes since, and all with the times that they may have: the row may have been rewritten. A row is recognized by its checksum.
func (db *DB) readLogShapes(ctx context.Context, from, to uint64) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
		up := db.newRowUpgrade()
		for row, err := range db.readLog(ctx, from, to) {
			if err != nil {
				yield(row, err)
				return
			}
			for _, one := range append([]history.Row{row}, up.newerShapes(row)...) {
				for _, as := range up.otherTimes(one) {
					if !yield(as, nil) {
						return
					}
				}
			}
		}
	}
}

// readLog yields the values of a part of the log.
func (db *DB) readLog(ctx context.Context, from, to uint64) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
		if db.bus == nil {
			return
		}
		for m, err := range db.bus.Read(ctx, from, to) {
			if err == nil && (m.Loss != nil || m.Marker) {
				continue
			}
			if !yield(history.Row{Record: m.Record, Time: m.RowTime(), Stored: m.Time, Value: m.Value, Shape: m.Shape}, err) || err != nil {
				return
			}
		}
	}
}
