package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// migrationFiles are applied in the order of their names. The n-th takes a schema from
// version n-1 to n. They only ever go forward.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

// columns are those of each table of ours with their types, by name.
func columns() map[string]string {
	return map[string]string{
		"record_history":    "id bigint, imported boolean, record_name text, stored_at bigint, value_json text, written_at bigint",
		"aimdb_meta":        "key text, value text",
		"aimdb_checkpoint":  "log text, message_hash bigint, message_time bigint, next_id bigint, only_row smallint, sequence bigint",
		"aimdb_record":      "bytes bigint, last_time bigint, number bigint, record_name text, rows bigint, run bigint, step_id bigint, step_time bigint, timed boolean",
		"aimdb_hole":        "from_number bigint, id bigint, noted_at bigint, record_name text, run bigint, time bigint, to_number bigint",
		"aimdb_loss":        "cause text, count bigint, first_time bigint, from_seq bigint, id bigint, last_time bigint, noted_at bigint, record_name text, run bigint, to_seq bigint",
		"aimdb_dead_letter": "event bigint, id bigint, log text, noted_at bigint, number bigint, reason text, record_name bytea, run bigint, sequence bigint, shape bigint, stored_at bigint, value_json bytea",
		"aimdb_shape":       "first_id bigint, record_name text, version bigint",
		"aimdb_foreign":     "first_id bigint, last_id bigint",
		"aimdb_sweep":       "at bigint, last_id bigint",
	}
}

// historyFacts is what is fixed when a history is made.
type historyFacts struct {
	identity string
	// width is the span of a partition in milliseconds.
	width int64
}

// migrate brings the schema to the current version and returns the facts of the history.
// It runs in one transaction, and of several processes one after the other.
func migrate(ctx context.Context, conn *pgx.Conn, c Config) (facts historyFacts, err error) {
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if err := checkEncoding(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1, $2)", migrationLock, lockNumber(c.Schema)); err != nil {
			return err
		}
		if err := createSchema(ctx, tx, c.Schema); err != nil {
			return err
		}
		have, err := shapes(ctx, tx, c.Schema)
		if err != nil {
			return err
		}
		if err := upgrade(ctx, tx, c, have); err != nil {
			return err
		}
		facts, err = readFacts(ctx, tx)
		return err
	})
	return facts, err
}

func checkEncoding(ctx context.Context, tx pgx.Tx) error {
	var encoding string
	if err := tx.QueryRow(ctx, "SHOW server_encoding").Scan(&encoding); err != nil {
		return err
	}
	if encoding != "UTF8" {
		return fmt.Errorf("the database has the encoding %s and cannot keep all texts; use one with UTF8", encoding)
	}
	return nil
}

// createSchema needs no permission if the schema is there.
func createSchema(ctx context.Context, tx pgx.Tx, schema string) error {
	var found bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)", schema).Scan(&found); err != nil || found {
		return err
	}
	_, err := tx.Exec(ctx, "CREATE SCHEMA "+schema)
	return err
}

// upgrade applies the migrations that are missing, and checks the tables.
func upgrade(ctx context.Context, tx pgx.Tx, c Config, have map[string]string) error {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return err
	}
	current, err := schemaVersion(ctx, tx, have)
	if err != nil {
		return err
	}
	if current == 0 && len(have) > 0 {
		name := slices.Sorted(maps.Keys(have))[0]
		return fmt.Errorf("%w: schema %s has a table %s (%s) and no schema_version in aimdb_meta; give Config.Schema another name", ErrForeign, c.Schema, name, have[name])
	}
	if current > len(names) {
		return fmt.Errorf("%w: schema %s has version %d and this program knows %d; use a newer program", ErrNewer, c.Schema, current, len(names))
	}
	for v := current; v < len(names); v++ {
		text, err := fs.ReadFile(migrationFiles, names[v])
		if err == nil {
			_, err = tx.Exec(ctx, string(text))
		}
		if err == nil && v == 0 {
			err = initialize(ctx, tx, c)
		}
		if err != nil {
			return fmt.Errorf("migrate schema %s from version %d to %d: %w", c.Schema, v, v+1, err)
		}
		if err := setMeta(ctx, tx, "schema_version", strconv.Itoa(v+1)); err != nil {
			return err
		}
	}
	if have, err = shapes(ctx, tx, c.Schema); err != nil {
		return err
	}
	return differences(c.Schema, have)
}

// initialize fixes the identity of a new history and the width of its partitions.
func initialize(ctx context.Context, tx pgx.Tx, c Config) error {
	width := c.Partition
	if width == 0 {
		width = defaultPartition
	}
	if err := setMeta(ctx, tx, "identity", newIdentity()); err != nil {
		return err
	}
	if err := setMeta(ctx, tx, "partition_ms", strconv.FormatInt(width.Milliseconds(), 10)); err != nil {
		return err
	}
	return createEdges(ctx, tx, width.Milliseconds())
}

func schemaVersion(ctx context.Context, tx pgx.Tx, have map[string]string) (version int, err error) {
	if have["aimdb_meta"] != columns()["aimdb_meta"] {
		return 0, nil
	}
	err = tx.QueryRow(ctx, "SELECT value::int FROM aimdb_meta WHERE key = 'schema_version'").Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return version, err
}

// shapes returns the columns of the tables that have a name of ours. A history that is not
// partitioned has that as its first word.
func shapes(ctx context.Context, tx pgx.Tx, schema string) (map[string]string, error) {
	rows, err := tx.Query(ctx, `SELECT c.relname::text,
		CASE WHEN c.relname = 'record_history' AND c.relkind <> 'p' THEN 'not partitioned: ' ELSE '' END ||
		coalesce((SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attname COLLATE "C")
			FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '')
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = ANY($2)`, schema, slices.Collect(maps.Keys(columns())))
	if err != nil {
		return nil, err
	}
	have := map[string]string{}
	var name, shape string
	_, err = pgx.ForEachRow(rows, []any{&name, &shape}, func() error {
		have[name] = shape
		return nil
	})
	return have, err
}

// differences returns an error that names each table that is not ours.
func differences(schema string, have map[string]string) error {
	var wrong []string
	want := columns()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if have[name] != want[name] {
			wrong = append(wrong, fmt.Sprintf("%s has (%s) instead of (%s)", name, have[name], want[name]))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%w: in schema %s %s; give Config.Schema another name", ErrForeign, schema, strings.Join(wrong, "; "))
}

func readFacts(ctx context.Context, tx pgx.Tx) (f historyFacts, err error) {
	err = tx.QueryRow(ctx, `SELECT (SELECT value FROM aimdb_meta WHERE key = 'identity'),
		(SELECT value::bigint FROM aimdb_meta WHERE key = 'partition_ms')`).Scan(&f.identity, &f.width)
	return f, err
}

func setMeta(ctx context.Context, tx pgx.Tx, key, value string) error {
	_, err := tx.Exec(ctx, "INSERT INTO aimdb_meta(key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value)
	return err
}
