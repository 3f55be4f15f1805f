package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A server that takes over may lack the last rows. Their IDs are then given to other rows,
// and a cursor or a position from before would point to one of them. So the history gets
// another identity, with which such cursors are refused. That the server is another one
// shows in its timeline, which each promotion and each recovery to a point in time changes.
// A copy of the disk keeps the timeline. A writer that has seen more rows notices it.

// timelineText names the server and its timeline.
const timelineText = `SELECT (SELECT system_identifier FROM pg_control_system())::text || ' ' || left(pg_walfile_name(pg_current_wal_lsn()), 8)`

func newIdentity() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails, says its documentation
	return hex.EncodeToString(b)
}

// renew gives the history another identity if rows may be gone that it had.
func (s *Store) renew(ctx context.Context, w *writer, facts *historyFacts) error {
	timeline, err := s.timeline(ctx, w)
	if err != nil {
		return err
	}
	why := ""
	err = pgx.BeginFunc(ctx, w.conn, func(tx pgx.Tx) error {
		var before string
		var next int64
		err := tx.QueryRow(ctx, "SELECT coalesce((SELECT value FROM aimdb_meta WHERE key = 'timeline'), ''), next_id FROM aimdb_checkpoint FOR UPDATE").Scan(&before, &next)
		if err != nil {
			return err
		}
		switch {
		case before != "" && timeline != "" && before != timeline:
			why = "the server has taken over from another one, or was restored"
		case s.stored.identity == facts.identity && next < s.stored.nextID:
			why = "the server lacks rows that it had"
		case before == timeline || timeline == "":
			return nil
		}
		if why != "" {
			facts.identity = newIdentity()
			if err := setMeta(ctx, tx, "identity", facts.identity); err != nil {
				return err
			}
		}
		if timeline == "" {
			return nil
		}
		return setMeta(ctx, tx, "timeline", timeline)
	})
	if err == nil && why != "" {
		s.config.Logger.Warn("the history in PostgreSQL gets another identity: cursors and positions of before are refused", "schema", s.config.Schema, "server", s.address, "why", why)
	}
	return err
}

// timeline returns the timeline of the server. It is empty if the role or the server does
// not tell it, as some that are managed by others.
func (s *Store) timeline(ctx context.Context, w *writer) (timeline string, err error) {
	err = w.conn.QueryRow(ctx, timelineText).Scan(&timeline)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && (refused.Code == "42501" || strings.HasPrefix(refused.Code, "0A") || refused.Code == "42883") {
		s.config.Logger.Warn("PostgreSQL does not tell its timeline: after a failover, cursors of before may point to other rows", "schema", s.config.Schema, "server", s.address, "error", err)
		return "", nil
	}
	return timeline, err
}
