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

// inspection is what is known of a file before anything of it is changed.
type inspection struct {
	// version is -1 for a file without a history, which is empty.
	version int
	// own says that the file has the tables of this program.
	own bool
}

// inspect looks at a file with a read-only connection, so that a file that
// turns out not to be ours stays as it is, to the byte.
func inspect(ctx context.Context, path string, o options) (inspection, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return inspection{version: -1}, nil
	case err != nil:
		return inspection{}, fmt.Errorf("look at the history %s: %w", path, err)
	case info.IsDir():
		return inspection{}, fmt.Errorf("open the history %s: it is a directory; name a file in it", path)
	case info.Size() == 0:
		// SQLite would delete the log without a word.
		if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 {
			return inspection{}, fmt.Errorf("open the history %s: %w: it is empty, and its write-ahead log is not", path, ErrCorrupt)
		}
		return inspection{version: -1}, nil
	}
	found, err := inspectWith(ctx, path, "ro", o)
	if code(err) == lib.SQLITE_READONLY {
		// A stop in the middle of a transaction from before the file had a
		// write-ahead log: SQLite has to roll that back before anybody reads.
		found, err = inspectWith(ctx, path, "rw", o)
	}
	switch {
	case code(err) == lib.SQLITE_NOTADB && !looksDamaged(path):
		err = fmt.Errorf("%w (its first bytes say so; nothing was changed; give another path or move it away)", ErrNotDatabase)
	case code(err) == lib.SQLITE_NOTADB || code(err) == lib.SQLITE_CORRUPT:
		err = fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if err != nil {
		return inspection{}, fmt.Errorf("open the history %s: %w%s", path, err, hint(err))
	}
	return found, nil
}

func inspectWith(ctx context.Context, path, mode string, o options) (inspection, error) {
	db, err := open(path, o.vfs, url.Values{"mode": {mode}, "_busy_timeout": {milliseconds(o.busyTimeout)}, "_error_rc": {"1"}}, 1)
	if err != nil {
		return inspection{}, err
	}
	defer func() { _ = db.Close() }() // only read from
	return inspectTables(ctx, db)
}

// looksDamaged tells a database with a broken first page from a file that
// never was one. SQLite has just refused the file, so no connection of this
// process has it open and to read it here drops nobody's locks.
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

func inspectTables(ctx context.Context, db *sql.DB) (inspection, error) {
	columns, err := tables(ctx, db)
	if err != nil {
		return inspection{}, err
	}
	_, has := columns["record_history"]
	_, own := columns["aimdb_meta"]
	switch {
	case len(columns) == 0:
		return inspection{version: -1}, nil
	case !has:
		return inspection{}, fmt.Errorf("%w: it has tables, but no record_history; nothing was changed; give another path", ErrForeign)
	case columns["record_history"] != "id,record_name,stored_at,value_json":
		return inspection{}, fmt.Errorf("%w: its table record_history has the columns %s; nothing was changed; give another path", ErrForeign, columns["record_history"])
	case !own:
		return inspection{}, nil
	}
	v, err := metaInt(ctx, db, "schema_version")
	if err != nil {
		return inspection{}, err
	}
	if v > version {
		return inspection{}, fmt.Errorf("%w: its schema has version %d and this program knows up to %d; nothing was changed; use the newer program", ErrNewer, v, version)
	}
	return inspection{version: int(v), own: true}, nil
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
