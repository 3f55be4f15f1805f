package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sort"
	"strings"

	lib "modernc.org/sqlite/lib"
)

// inspect reads a file with a read-only connection, so that a file that is not
// ours stays as it is, to the byte. It returns the version of the schema: 0 is a
// file of upstream, -1 one that is empty or does not exist.
func inspect(ctx context.Context, path string, o options) (int, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return -1, nil
	case err != nil:
		return 0, fmt.Errorf("look at the history %s: %w", path, err)
	case info.IsDir():
		return 0, fmt.Errorf("open the history %s: it is a directory; name a file in it", path)
	case info.Size() == 0:
		// SQLite would delete the log without a word.
		if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 {
			return 0, fmt.Errorf("open the history %s: %w: it is empty, and its write-ahead log is not", path, ErrCorrupt)
		}
		return -1, nil
	}
	found, err := inspectWith(ctx, path, "ro", o)
	if code(err) == lib.SQLITE_READONLY {
		// The last stop came in the middle of a transaction, when the file had
		// no write-ahead log yet. SQLite rolls it back before it can be read.
		found, err = inspectWith(ctx, path, "rw", o)
	}
	switch {
	case code(err) == lib.SQLITE_NOTADB && !looksDamaged(path):
		err = fmt.Errorf("%w (its first bytes say so; nothing was changed; give another path or move it away)", ErrNotDatabase)
	case code(err) == lib.SQLITE_NOTADB || code(err) == lib.SQLITE_CORRUPT:
		err = fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if err != nil {
		return 0, fmt.Errorf("open the history %s: %w%s", path, err, hint(err))
	}
	return found, nil
}

func inspectWith(ctx context.Context, path, mode string, o options) (int, error) {
	values := url.Values{"mode": {mode}, "_busy_timeout": {milliseconds(o.busyTimeout)}, "_error_rc": {"1"}}
	if o.immutable(path) {
		values.Set("immutable", "1")
	}
	db, err := open(path, o.vfs, values, 1)
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }() // only read from
	return inspectTables(ctx, db)
}

// looksDamaged tells a database with a broken first page from a file that never
// was one. SQLite has just refused the file, so no connection of this process has
// it open, and reading it here drops no locks.
func looksDamaged(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // only read from, or lost already
	var head [16]byte
	if _, err := f.Read(head[:]); err != nil {
		return false
	}
	return head == [16]byte{} || string(head[:]) == "SQLite format 3\x00"
}

func inspectTables(ctx context.Context, db *sql.DB) (int, error) {
	columns, err := tables(ctx, db)
	if err != nil {
		return 0, err
	}
	_, has := columns["record_history"]
	_, own := columns["aimdb_meta"]
	switch {
	case len(columns) == 0:
		return -1, nil
	case !has:
		return 0, fmt.Errorf("%w: it has tables, but no record_history; nothing was changed; give another path", ErrForeign)
	case columns["record_history"] != "id,record_name,stored_at,value_json":
		return 0, fmt.Errorf("%w: its table record_history has the columns %s; nothing was changed; give another path", ErrForeign, columns["record_history"])
	case !own:
		return 0, nil
	}
	if columns["aimdb_meta"] != "key,value" {
		return 0, otherColumns("aimdb_meta", columns)
	}
	v, err := metaInt(ctx, db, "schema_version")
	if err != nil {
		return 0, err
	}
	if v > version {
		return 0, fmt.Errorf("%w: its schema has version %d and this program knows up to %d; nothing was changed; use the newer program", ErrNewer, v, version)
	}
	if v > 0 && v < version {
		return int(v), nil
	}
	for table, want := range ownColumns() {
		if columns[table] != want {
			return 0, otherColumns(table, columns)
		}
	}
	return version, nil // also if a damaged entry says another one
}

// otherColumns is the error of a schema in which something has changed.
func otherColumns(table string, columns map[string]string) error {
	return fmt.Errorf("%w: its schema is not what this program has made: its table %s has the columns %q", ErrCorrupt, table, columns[table])
}

// tables returns the sorted columns of every table.
func tables(ctx context.Context, db *sql.DB) (map[string]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\'`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return nil, err
		}
		columns[table] = append(columns[table], column)
	}
	joined := make(map[string]string, len(columns))
	for table, names := range columns {
		sort.Strings(names)
		joined[table] = strings.Join(names, ",")
	}
	return joined, rows.Err()
}
