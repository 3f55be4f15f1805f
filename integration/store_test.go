package integration

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver of database/sql

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/internal/pgtest"
	"github.com/aimdb-go/aimdb/sinks/postgres"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// postgresServer is the server of all histories in PostgreSQL that no test kills.
var postgresServer = pgtest.New()

// eachStore runs a test for each kind of history. A history is a directory that has
// history.db, or the DSN of a database in PostgreSQL. dir is the data directory.
func eachStore(t *testing.T, test func(t *testing.T, dir, history string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		dir := t.TempDir()
		test(t, dir, dir)
	})
	t.Run("postgres", func(t *testing.T) {
		test(t, t.TempDir(), postgresServer.Database(t))
	})
}

func inPostgres(history string) bool { return strings.HasPrefix(history, "postgres://") }

// openBackend opens a history as a database does that owns it.
func openBackend(ctx context.Context, history string, logger *slog.Logger, options ...sqlite.Option) (aimdb.Backend, error) {
	if inPostgres(history) {
		return postgres.Open(ctx, postgres.Config{DSN: history, Logger: logger})
	}
	return sqlite.Open(filepath.Join(history, "history.db"), append(options, sqlite.Logger(logger))...)
}

// openSQL opens a history beside its store.
func openSQL(t testing.TB, history string) *sql.DB {
	t.Helper()
	driver, source := "sqlite", "file:"+filepath.Join(history, "history.db")
	if inPostgres(history) {
		driver, source = "pgx", history+"&search_path=aimdb"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // only read from
	return db
}

// awaitUnused waits until no process has a history open. The server of PostgreSQL finishes
// what a killed process has sent, a COMMIT too, so what is read before is not final.
func awaitUnused(t *testing.T, history string) {
	t.Helper()
	if !inPostgres(history) {
		return // what SQLite does ends with the process
	}
	await(t, history, "no other process has the history open", `SELECT NOT EXISTS (SELECT FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend')`)
}

// await waits until a query of a PostgreSQL database returns true.
func await(t *testing.T, dsn, what, query string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	often := time.NewTicker(5 * time.Millisecond)
	defer often.Stop()
	for done := false; !done; <-often.C {
		if err := conn.QueryRow(ctx, query).Scan(&done); err != nil {
			t.Fatalf("wait until %s: %v", what, err)
		}
	}
}

// deleteHistory deletes a history that nobody has open.
func deleteHistory(t *testing.T, history string) {
	t.Helper()
	if inPostgres(history) {
		execute(t, history, "DROP SCHEMA aimdb CASCADE")
		return
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(filepath.Join(history, "history.db"+suffix)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
}

// copyHistory copies a history that nobody has open. restore puts the copy in its place.
func copyHistory(t *testing.T, history string) (restore func()) {
	t.Helper()
	if inPostgres(history) {
		config, err := pgx.ParseConfig(history)
		if err != nil {
			t.Fatal(err)
		}
		name, all := config.Database, postgresServer.DSN("postgres")
		execute(t, all, "CREATE DATABASE "+name+"_copy TEMPLATE "+name)
		return func() {
			t.Helper()
			execute(t, all, "DROP DATABASE "+name+" WITH (FORCE)", "ALTER DATABASE "+name+"_copy RENAME TO "+name)
		}
	}
	path := filepath.Join(history, "history.db")
	older, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := os.WriteFile(path, older, 0o640); err != nil {
			t.Fatal(err)
		}
	}
}

// execute executes statements in a PostgreSQL database, each in a transaction of its own.
func execute(t *testing.T, dsn string, statements ...string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if _, err = conn.Exec(ctx, s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		t.FailNow()
	}
}
