package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/jsonrule"
	"github.com/aimdb-go/aimdb/sinks"
)

// moveCheckpoint begins each batch: it compares the checkpoint, moves it and takes the IDs
// of the rows.
const moveCheckpoint = `UPDATE aimdb_checkpoint SET log = $3, sequence = $4, message_time = $5, message_hash = $6, next_id = next_id + $7
	WHERE log = $1 AND sequence = $2 RETURNING next_id - $7`

// attempts is how often a batch is tried at once when a sweep has come between.
const attempts = 3

// Write implements sinks.Sink. It refuses values that are no JSON, and names or values
// that are no text.
func (s *Store) Write(ctx context.Context, b *sinks.Batch) error {
	if err := sinks.Refuse(b, notStorable); err != nil {
		return err
	}
	err := s.withWriter(ctx, func(w *writer) (err error) {
		defer func() {
			if err == nil {
				s.stored.identity, s.stored.nextID = s.facts.Load().identity, w.nextID
				s.sayHoles(w.holes)
			}
		}()
		if err = w.commit(ctx, b); passing(err) {
			err = w.keepPartitions(ctx, s.config.Schema, func() error { return w.again(ctx, b) })
		}
		if errors.Is(err, sinks.ErrCheckpointMoved) { // Replace may have put another history here
			return errors.Join(err, w.release())
		}
		return err
	})
	if neverTaken(err) {
		return &sinks.RefusedError{Reason: err}
	}
	return s.explained(fmt.Sprintf("store %d values", len(b.Entries)), err)
}

// again stores a batch whose first attempt met a sweep.
func (w *writer) again(ctx context.Context, b *sinks.Batch) (err error) {
	for range attempts - 1 {
		clear(w.partitions.known)
		if err = w.commit(ctx, b); !passing(err) {
			break
		}
	}
	return err
}

// keepPartitions does something while sweeps drop no partition.
func (w *writer) keepPartitions(ctx context.Context, schema string, do func() error) error {
	if _, err := w.conn.Exec(ctx, "SELECT pg_advisory_lock($1, $2)", partitionLock, lockNumber(schema)); err != nil {
		return err
	}
	err := do()
	if w.conn.IsClosed() {
		return err // the server has ended the lock with the connection
	}
	if _, unlock := w.conn.Exec(ctx, "SELECT pg_advisory_unlock($1, $2)", partitionLock, lockNumber(schema)); unlock != nil {
		return errors.Join(err, unlock, w.close())
	}
	return err
}

func notStorable(e sinks.Entry) error {
	if !storableName(e.Record) {
		return fmt.Errorf("store a value of the record %.40q: the name is no text of at most %d bytes", e.Record, maxName)
	}
	if err := jsonrule.Check(e.Value); err != nil {
		return fmt.Errorf("store a value of %s: it %w", e.Record, err)
	}
	return nil
}

func storableName(record string) bool {
	return utf8.ValidString(record) && strings.IndexByte(record, 0) < 0 && len(record) <= maxName
}

// maxName is far above the length of a key and below what an index of PostgreSQL takes.
const maxName = 1000

// passing reports whether an error is over when the batch is tried again: a partition was
// dropped, or the server has ended a deadlock.
func passing(err error) bool {
	var pg *pgconn.PgError
	return dropped(err) || errors.As(err, &pg) && (pg.Code == "40P01" || pg.Code == "40001")
}

// neverTaken reports whether an error says that a value cannot be stored. Write looks for
// all of them before, so there should be none.
func neverTaken(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code {
	case "22021", "22P05", "54000": // no such character, not in this encoding, too large
		return true
	}
	return false
}

// commit stores a batch with its checkpoint, or nothing of it.
func (w *writer) commit(ctx context.Context, b *sinks.Batch) error {
	if b.Previous.Log != w.at.Log || b.Previous.Sequence != w.at.Sequence {
		clear(w.numbers) // another process may have written
	}
	err := w.transaction(ctx, b)
	if err == nil {
		w.at = b.Checkpoint
		return nil
	}
	clear(w.numbers)
	w.at = history.Position{}
	if w.conn.IsClosed() {
		return err
	}
	if w.conn.PgConn().TxStatus() == 'I' {
		return err
	}
	if _, undo := w.conn.Exec(ctx, "ROLLBACK"); undo != nil {
		err = errors.Join(err, undo, w.close())
	}
	return err
}

func (w *writer) transaction(ctx context.Context, b *sinks.Batch) error {
	entries := gathered(b.Entries)
	if err := w.partitions.prepare(ctx, w.conn, entries); err != nil {
		return err
	}
	firstID, err := w.moveCheckpoint(ctx, b)
	if err != nil {
		return err
	}
	if err := w.copyRows(ctx, entries, firstID, false); err != nil {
		return err
	}
	rest, now := &pgx.Batch{}, time.Now().UnixMilli()
	w.groups, w.holes = group(w.groups[:0], entries), w.holes[:0]
	if err := w.followNumbers(ctx, rest, b, entries, now); err != nil {
		return err
	}
	if len(w.groups) > 0 {
		rest.Queue(countGroups, w.args.of(w.groups, firstID, w.numbers)...)
		rest.Queue(markShapes, shapeRuns(entries, firstID)...)
	}
	for _, l := range b.Losses {
		queueLoss(rest, l, now)
	}
	for _, r := range b.Refused {
		queueLetter(rest, b.Checkpoint.Log, r, now)
	}
	rest.Queue("COMMIT")
	if err := w.conn.SendBatch(ctx, rest).Close(); err != nil {
		return err
	}
	w.nextID = firstID + int64(len(entries))
	return nil
}

// moveCheckpoint begins a transaction and returns the ID of the first row of the batch.
func (w *writer) moveCheckpoint(ctx context.Context, b *sinks.Batch) (firstID int64, err error) {
	first := &pgx.Batch{}
	first.Queue("BEGIN")
	to := b.Checkpoint
	first.Queue(moveCheckpoint, b.Previous.Log, int64(b.Previous.Sequence), to.Log, int64(to.Sequence), to.Message.Time, int64(to.Message.Hash), int64(len(b.Entries)))
	results := w.conn.SendBatch(ctx, first)
	_, err = results.Exec()
	if err == nil {
		err = results.QueryRow().Scan(&firstID)
	}
	if err = errors.Join(err, results.Close()); !errors.Is(err, pgx.ErrNoRows) {
		return firstID, err
	}
	have, err := position(ctx, w.conn.QueryRow(ctx, readPosition))
	if err != nil {
		return 0, err
	}
	if err := sinks.CheckPrevious(b, have); err != nil {
		return 0, err
	}
	return 0, sinks.ErrCheckpointMoved // it has moved there meanwhile
}
