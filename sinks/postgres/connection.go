package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
)

// leaving is how long a connection of ours that was cut may keep the lock.
const leaving = 5 * time.Second

// writer is the connection that stores batches. It holds the advisory lock of the history
// for as long as it is open.
type writer struct {
	conn       *pgx.Conn
	pid        uint32
	partitions partitions
	// at is the checkpoint of the last batch, and numbers are the last numbers of the
	// records then, as far as they were needed.
	at      history.Position
	nextID  int64 // of the row after that batch
	numbers map[string]sinks.LastNumber
	// rows, groups, args, walked and holes are used again by each batch.
	rows   []byte
	groups []recordGroup
	args   groupArgs
	walked []sinks.Numbers
	holes  []history.Hole
}

// writer returns the connection, and makes one if there is none. The caller holds s.turn.
func (s *Store) writer(ctx context.Context) (*writer, error) {
	if s.stopped {
		return nil, ErrStopped
	}
	if s.open != nil && !s.open.conn.IsClosed() {
		return s.open, nil
	}
	s.open = nil
	conn, err := pgx.ConnectConfig(ctx, s.connect)
	if err != nil {
		return nil, err
	}
	w := &writer{conn: conn, pid: conn.PgConn().PID(), numbers: map[string]sinks.LastNumber{}}
	if err := s.begin(ctx, w); err != nil {
		return nil, errors.Join(err, w.close())
	}
	s.last, s.open = w.pid, w
	return w, nil
}

// begin takes the lock, and looks at the history, which is another one if the server is.
func (s *Store) begin(ctx context.Context, w *writer) error {
	if err := s.lock(ctx, w); err != nil {
		return err
	}
	facts, err := migrate(ctx, w.conn, s.config)
	if err != nil {
		return err
	}
	if err := s.renew(ctx, w, &facts); err != nil {
		return err
	}
	if before := s.facts.Swap(&facts); before != nil && before.identity != facts.identity {
		s.config.Logger.Warn("PostgreSQL has another history than before; it goes on where that ends", "schema", s.config.Schema, "server", s.address)
		next := make(chan struct{})
		close(*s.replaced.Swap(&next))
	}
	w.partitions = partitions{width: facts.width, known: map[int64]bool{}}
	var sync string
	if err := w.conn.QueryRow(ctx, "SHOW fsync").Scan(&sync); err != nil {
		return err
	}
	if sync != "on" {
		s.config.Logger.Warn("PostgreSQL runs with fsync off: a power loss may lose what is stored, or damage it", "server", s.address)
	}
	return nil
}

// lock takes the lock of the history. A connection of ours that was cut holds it until its
// transaction has ended, committed or not. So what Checkpoint reads afterwards is final.
func (s *Store) lock(ctx context.Context, w *writer) error {
	for until := time.Now().Add(leaving); ; {
		var taken bool
		err := w.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1, $2)", writerLock, lockNumber(s.config.Schema)).Scan(&taken)
		if err != nil || taken {
			return err
		}
		holder, err := s.holder(ctx, w)
		if err != nil {
			return err
		}
		if holder.pid != 0 && holder.pid != s.last || time.Now().After(until) {
			return fmt.Errorf("%w: process %d of the server serves it (%s)", ErrInUse, holder.pid, holder.client)
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

type holder struct {
	pid    uint32
	client string
}

// holder says who has the lock. It is zero if nobody has it any more.
func (s *Store) holder(ctx context.Context, w *writer) (h holder, err error) {
	err = w.conn.QueryRow(ctx, `SELECT l.pid, coalesce(a.application_name || ' from ' || coalesce(host(a.client_addr), 'a local socket'), 'unknown')
		FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
		WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = $1::int8::oid AND l.objid = $2::int8::oid
			AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
		int64(uint32(writerLock)), int64(uint32(lockNumber(s.config.Schema)))).Scan(&h.pid, &h.client)
	if errors.Is(err, pgx.ErrNoRows) {
		return h, nil
	}
	return h, err
}

// release gives the lock back and closes the connection.
func (w *writer) release() error {
	if w.conn.IsClosed() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaving)
	defer cancel()
	_, err := w.conn.Exec(ctx, "SELECT pg_advisory_unlock_all()")
	return errors.Join(err, w.close())
}

func (w *writer) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), leaving)
	defer cancel()
	return w.conn.Close(ctx)
}

// position reads the checkpoint.
func position(ctx context.Context, row pgx.Row) (p history.Position, err error) {
	var sequence, hash int64
	err = row.Scan(&p.Log, &sequence, &p.Message.Time, &hash)
	p.Sequence, p.Message.Hash = uint64(sequence), uint64(hash)
	return p, err
}

const readPosition = "SELECT log, sequence, message_time, message_hash FROM aimdb_checkpoint"
