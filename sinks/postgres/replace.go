package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aimdb-go/aimdb/sinks"
)

// Width returns the span of the partitions of a history.
func (s *Store) Width(ctx context.Context) (time.Duration, error) {
	if _, err := s.db(ctx); err != nil {
		return 0, err
	}
	return time.Duration(s.facts.Load().width) * time.Millisecond, nil
}

// Discard deletes the schema of a configuration with all its tables, if there is one. It
// refuses one that another process writes to, and one that is no history.
func Discard(ctx context.Context, c Config) error {
	return administer(ctx, c, "delete the history", func(tx pgx.Tx, c Config) error {
		have, err := shapes(ctx, tx, c.Schema)
		if err != nil {
			return err
		}
		var exists bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", c.Schema).Scan(&exists); err != nil || !exists {
			return err
		}
		if version, err := schemaVersion(ctx, tx, have); err != nil || version == 0 {
			return errors.Join(err, fmt.Errorf("%w: schema %s has no history in it; drop or rename it yourself", ErrForeign, c.Schema))
		}
		if err := claim(ctx, tx, c.Schema); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "DROP SCHEMA "+c.Schema+" CASCADE")
		return err
	})
}

// Replace puts the history in the schema fresh, which nobody writes to, in the place of
// that of a configuration, which a process may write to. The old one is kept in the schema
// that Replace returns. Both schemas are renamed in one transaction, so everybody finds
// the old history or the new one. A process that writes notices that within a second, or
// by its next batch, which does not follow the checkpoint of the new one, and continues at
// that.
func Replace(ctx context.Context, c Config, fresh string) (kept string, err error) {
	if !schemaName.MatchString(fresh) {
		return "", fmt.Errorf("replace a history in PostgreSQL: the schema %q is no plain name", fresh)
	}
	err = administer(ctx, c, "replace the history", func(tx pgx.Tx, c Config) error {
		kept = fmt.Sprintf("%.40s_%s", c.Schema, time.Now().UTC().Format("20060102t150405"))
		if err := claim(ctx, tx, fresh); err != nil {
			return err
		}
		// A sweep of several transactions ends first. A batch has locked aimdb_checkpoint
		// from its first statement to its end, and one that waits for it finds the table
		// of the new history, since the names are looked up again after the wait.
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1, $2)", sweepLock, lockNumber(c.Schema)); err != nil {
			return err
		}
		for _, text := range []string{
			"LOCK TABLE OLD.aimdb_checkpoint, FRESH.aimdb_checkpoint IN ACCESS EXCLUSIVE MODE",
			"ALTER SCHEMA OLD RENAME TO KEPT",
			"ALTER SCHEMA FRESH RENAME TO OLD",
			"ALTER FUNCTION OLD.aimdb_next_id() SET search_path = OLD",
			"ALTER FUNCTION OLD.aimdb_mark_recount() SET search_path = OLD",
			"ALTER FUNCTION OLD.aimdb_mark_shapes(text[], bigint[], bigint[]) SET search_path = OLD",
			"ALTER FUNCTION KEPT.aimdb_mark_shapes(text[], bigint[], bigint[]) SET search_path = KEPT",
			"ALTER FUNCTION OLD.aimdb_note_foreign(bigint) SET search_path = OLD",
			"ALTER FUNCTION KEPT.aimdb_note_foreign(bigint) SET search_path = KEPT",
			"ALTER FUNCTION KEPT.aimdb_next_id() SET search_path = KEPT",
			"ALTER FUNCTION KEPT.aimdb_mark_recount() SET search_path = KEPT",
		} {
			if _, err := tx.Exec(ctx, strings.NewReplacer("OLD", c.Schema, "FRESH", fresh, "KEPT", kept).Replace(text)); err != nil {
				return err
			}
		}
		return nil
	})
	return kept, err
}

var _ sinks.Replaceable = (*Store)(nil)

// Replaced implements sinks.Replaceable.
func (s *Store) Replaced() <-chan struct{} { return *s.replaced.Load() }

// checkIdentity closes the connection of the writer if the schema has another history than
// it had. The next one begins with that.
func (s *Store) checkIdentity(ctx context.Context, w *writer) error {
	var identity string
	if err := w.conn.QueryRow(ctx, "SELECT value FROM aimdb_meta WHERE key = 'identity'").Scan(&identity); err != nil {
		return err
	}
	if identity == s.facts.Load().identity {
		return nil
	}
	return w.release()
}

// claim takes the lock of the writer of a schema for a transaction.
func claim(ctx context.Context, tx pgx.Tx, schema string) error {
	var taken bool
	err := tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1, $2)", writerLock, lockNumber(schema)).Scan(&taken)
	if err == nil && !taken {
		return fmt.Errorf("schema %s: another process writes to it", schema)
	}
	return err
}

// administer runs a transaction on a connection of its own.
func administer(ctx context.Context, c Config, doing string, do func(pgx.Tx, Config) error) (err error) {
	s, err := unopened(c)
	if err != nil {
		return fmt.Errorf("%s in PostgreSQL: %w", doing, err)
	}
	conn, err := pgx.ConnectConfig(ctx, s.connect)
	if err != nil {
		return s.explained(doing, err)
	}
	defer func() { err = errors.Join(err, s.explained(doing, closeConn(ctx, conn))) }()
	return s.explained(doing, pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return do(tx, s.config) }))
}

// unopened returns a store that has no connection, for errors and settings.
func unopened(c Config) (*Store, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	_, connect, err := c.connections()
	if err != nil {
		return nil, err
	}
	return &Store{config: c, connect: connect, address: fmt.Sprintf("%s:%d/%s", connect.Host, connect.Port, connect.Database)}, nil
}
