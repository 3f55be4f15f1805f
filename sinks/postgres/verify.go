package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/counted"
	"github.com/aimdb-go/aimdb/loss"
)

var _ history.Verifier = (*Store)(nil)

const (
	// verifyText reads each value as a whole, so that a page that is damaged is found.
	verifyText = "SELECT record_name, count(*), max(id), sum(length(value_json))::bigint FROM record_history GROUP BY record_name ORDER BY record_name"
	// twiceText counts rows whose ID another row has too.
	twiceText = "SELECT count(*) - count(DISTINCT id) FROM record_history"
)

// Verify implements history.Verifier. It reads all rows in one transaction, which holds back
// vacuum meanwhile, and compares them with the counts of the records, with the checkpoint
// and with the numbers that the log has delivered. No row has a checksum of AimDB, so all of
// them are unchecked: a value that was changed is found only by PostgreSQL's own checksums
// of pages, if initdb or pg_checksums has enabled them. pg_amcheck verifies the indexes.
func (s *Store) Verify(ctx context.Context) (v history.Verification, err error) {
	v = history.Verification{Records: []history.VerifiedRecord{}, Damaged: []history.DamagedRows{}, Holes: []history.Hole{}, Problems: []string{}}
	conn, err := s.connectionOfItsOwn(ctx)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, s.explained("end a verification", closeConn(ctx, conn))) }()
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		return verifyRows(ctx, tx, &v)
	})
	if corrupt(err) {
		v.Problems, err = append(v.Problems, fmt.Sprintf("PostgreSQL cannot read all rows: %v", err)), nil
	}
	if err != nil {
		return v, s.explained("verify the history", err)
	}
	for hole, err := range s.Holes(ctx) {
		if err != nil {
			return v, err
		}
		v.Holes = append(v.Holes, hole)
	}
	return v, nil
}

// corrupt reports whether the server says that its files are damaged.
func corrupt(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && strings.HasPrefix(pg.Code, "XX")
}

// verifyRows compares rows, counts and checkpoint as of one moment.
func verifyRows(ctx context.Context, tx pgx.Tx, v *history.Verification) (err error) {
	if v.Position, err = position(ctx, tx.QueryRow(ctx, readPosition)); err != nil {
		return err
	}
	var next, twice, id, size int64
	var r history.VerifiedRecord
	last := int64(0)
	if err := tx.QueryRow(ctx, "SELECT next_id FROM aimdb_checkpoint").Scan(&next); err != nil {
		return err
	}
	err = each(ctx, tx, verifyText, nil, []any{&r.Record, &r.Rows, &id, &size}, func() {
		r.Unchecked, last = r.Rows, max(last, id)
		v.Records = append(v.Records, r)
	})
	if err != nil {
		return err
	}
	if err := tx.QueryRow(ctx, twiceText).Scan(&twice); err != nil {
		return err
	}
	if last >= next {
		v.Problems = append(v.Problems, fmt.Sprintf("the last row has the ID %d, and the next batch begins with %d", last, next))
	}
	if twice > 0 {
		v.Problems = append(v.Problems, fmt.Sprintf("%s %s the ID of another row", counted.Of(twice, "row"), counted.Verb(twice, "has", "have")))
	}
	mark, wrong, err := wrongCounts(ctx, tx)
	if err != nil || mark != "" {
		return err // rows of other programs are not counted yet
	}
	for _, record := range slices.Sorted(maps.Keys(wrong)) {
		c := wrong[record]
		v.Problems = append(v.Problems, fmt.Sprintf("%s has %+d rows and %+d bytes more than were counted", record, c.rows, c.bytes))
	}
	return nil
}

// Repair implements history.Verifier. Which rows have vanished is not known, so it restores
// none: it counts them as lost, and puts the counts of the records right.
func (s *Store) Repair(ctx context.Context, _ func(ctx context.Context, from, to uint64) iter.Seq2[history.Row, error]) (done history.Repaired, err error) {
	err = s.withSweep(ctx, func(w *sweep) error {
		var wrong map[string]rowCount
		err := pgx.BeginTxFunc(ctx, w.conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) (err error) {
			_, wrong, err = wrongCounts(ctx, tx)
			return err
		})
		if err != nil || len(wrong) == 0 {
			return s.explained("count the rows", err)
		}
		now := time.Now().UnixMilli()
		return w.transact(ctx, "repair the counts", func(tx pgx.Tx) error {
			losses := &pgx.Batch{}
			done.Lost = 0
			for _, record := range slices.Sorted(maps.Keys(wrong)) {
				if gone := -wrong[record].rows; gone > 0 {
					done.Lost += gone
					queueLoss(losses, loss.Loss{Record: record, Cause: loss.HistoryDamaged, Count: uint64(gone)}, now)
				}
			}
			if err := tx.SendBatch(ctx, losses).Close(); err != nil {
				return err
			}
			return addCounts(ctx, tx, wrong, 1)
		})
	})
	return done, err
}
