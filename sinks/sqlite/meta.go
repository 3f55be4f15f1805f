package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// execer and querier are what of a connection or a pool these functions need.
type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func setMeta(ctx context.Context, db execer, key string, value any) error {
	_, err := db.ExecContext(ctx, "INSERT INTO aimdb_meta(key, value) VALUES (?1, CAST(?2 AS TEXT)) ON CONFLICT(key) DO UPDATE SET value = excluded.value", key, value)
	return err
}

// meta returns a value, and an empty string if there is none.
func meta(ctx context.Context, db querier, key string) (string, error) {
	var value string
	err := db.QueryRowContext(ctx, "SELECT value FROM aimdb_meta WHERE key = ?", key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, err
}

func metaInt(ctx context.Context, db querier, key string) (int64, error) {
	var value int64
	err := db.QueryRowContext(ctx, "SELECT CAST(value AS INTEGER) FROM aimdb_meta WHERE key = ?", key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return value, err
}

// inTransaction runs fn between BEGIN IMMEDIATE and COMMIT. The statements are
// sent by hand, since a sql.Tx would roll back from another goroutine when a
// context ends.
func inTransaction(ctx context.Context, conn *sql.Conn, fn func() error) error {
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := fn()
	if err == nil {
		_, err = conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		if _, undo := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); undo != nil && !errors.Is(err, undo) {
			// SQLite has rolled back by itself after a disk that is full or
			// broken; then there is no transaction any more, and BEGIN will
			// tell if there still is.
			return err
		}
	}
	return err
}
