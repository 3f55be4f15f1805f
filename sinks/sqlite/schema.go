package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
)

// version is the schema that this program writes. Version 0 is a file that
// upstream made: the table and the index of the history and nothing else.
const version = 2

// history is what upstream and this program share, to the letter.
const historySchema = `CREATE TABLE IF NOT EXISTS record_history (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  record_name TEXT NOT NULL, value_json TEXT NOT NULL, stored_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS idx_record_time ON record_history(record_name, stored_at DESC);`

// own is what only this program knows.
const own = `CREATE TABLE aimdb_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE aimdb_checkpoint (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  log TEXT NOT NULL, sequence INTEGER NOT NULL);
CREATE TABLE aimdb_loss (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  record_name TEXT NOT NULL, cause TEXT NOT NULL, count INTEGER NOT NULL,
  from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL,
  first_time INTEGER NOT NULL, last_time INTEGER NOT NULL, noted_at INTEGER NOT NULL);
CREATE TABLE aimdb_dead_letter (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  log TEXT NOT NULL, sequence INTEGER NOT NULL, record_name TEXT NOT NULL,
  value_json TEXT NOT NULL, stored_at INTEGER NOT NULL,
  reason TEXT NOT NULL, noted_at INTEGER NOT NULL);
CREATE TABLE aimdb_record (name TEXT PRIMARY KEY, rows INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;`

// migrations[v] takes a file from version v to v+1. They only ever go forward.
var migrations = [version]func(ctx context.Context, conn *sql.Conn) error{
	migrateFromUpstream,
	migrateLastCounted,
}

// migrateFromUpstream adds our own tables and leaves the history as it is.
// What it holds already is counted later, and not while somebody waits.
func migrateFromUpstream(ctx context.Context, conn *sql.Conn) error {
	for _, statements := range []string{historySchema, own} {
		if _, err := conn.ExecContext(ctx, statements); err != nil {
			return err
		}
	}
	var last int64
	if err := conn.QueryRowContext(ctx, "SELECT coalesce(max(id), 0) FROM record_history").Scan(&last); err != nil {
		return err
	}
	values := map[string]any{
		"identity": secret(16),
		"clean":    1, "counted_to": 0, "count_until": last,
	}
	for key, value := range values {
		if err := setMeta(ctx, conn, key, value); err != nil {
			return err
		}
	}
	return nil
}

// migrateLastCounted writes down which row was counted last.
func migrateLastCounted(ctx context.Context, conn *sql.Conn) error {
	var last int64
	if err := conn.QueryRowContext(ctx, "SELECT "+lastID).Scan(&last); err != nil {
		return err
	}
	return setMeta(ctx, conn, "counted_last", last)
}

// migrate brings a file to the current version, in one transaction.
func migrate(ctx context.Context, conn *sql.Conn, from int) error {
	if from == version {
		return nil
	}
	return inTransaction(ctx, conn, func() error {
		for v := from; v < version; v++ {
			if err := migrations[v](ctx, conn); err != nil {
				return fmt.Errorf("migrate the schema from version %d to %d: %w", v, v+1, err)
			}
		}
		return setMeta(ctx, conn, "schema_version", version)
	})
}

func secret(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails, says its documentation
	return hex.EncodeToString(b)
}
