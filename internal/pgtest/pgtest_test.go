package pgtest_test

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/aimdb-go/aimdb/internal/pgtest"
)

var server = pgtest.New()

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

func count(t *testing.T, dsn string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM t").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func exec(t *testing.T, dsn, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// TestServer: what is committed survives a kill and a stop, and a copy has what the
// server had when it was made.
func TestServer(t *testing.T) {
	dsn := server.Database(t)
	exec(t, dsn, "CREATE TABLE t AS SELECT 1")
	server.Kill(t)
	if _, err := pgx.Connect(t.Context(), dsn); err == nil {
		t.Fatal("a killed server takes connections")
	}
	server.Start(t)
	restore := server.Save(t)
	exec(t, dsn, "INSERT INTO t VALUES (2)")
	if n := count(t, dsn); n != 2 {
		t.Fatalf("%d rows, want 2", n)
	}
	restore()
	if n := count(t, dsn); n != 1 {
		t.Fatalf("%d rows in the copy, want 1", n)
	}
}
