package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
)

var _ history.Shaped = (*Store)(nil)

// The table aimdb_shape says which version the shape of a row has: a mark is the first ID
// from which on the rows of a record have it. Rows before the first mark of their record
// have version 0, and so have those that other programs have added since the last commit.

// shapeText is the version of the row with an ID, as a column of record_history. A file
// without marks, which is most, costs one look per statement.
const shapeText = `iif((SELECT EXISTS (SELECT 1 FROM aimdb_shape)),
	iif(record_history.id > (SELECT CAST(value AS INTEGER) FROM aimdb_meta WHERE key = 'counted_last'), 0,
		coalesce((SELECT version FROM aimdb_shape s WHERE s.record_name = record_history.record_name AND s.first_id <= record_history.id
			ORDER BY s.first_id DESC LIMIT 1), 0)), 0)`

const (
	anyShapeText  = "SELECT EXISTS (SELECT 1 FROM aimdb_shape)"
	shapeAtText   = "SELECT coalesce((SELECT version FROM aimdb_shape WHERE record_name = ?1 AND first_id <= ?2 ORDER BY first_id DESC LIMIT 1), 0)"
	setShapeText  = "INSERT OR REPLACE INTO aimdb_shape(record_name, first_id, version) VALUES (?,?,?)"
	dropShapeText = "DELETE FROM aimdb_shape WHERE record_name = ? AND first_id BETWEEN ? AND ?"
	// shapesText has one row for the rows before the first mark, and for those that other
	// programs have added since the last commit.
	shapesText = `SELECT DISTINCT version FROM aimdb_shape WHERE record_name = ?1 UNION
		SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM aimdb_shape WHERE record_name = ?1 AND first_id = 0)
		OR EXISTS (SELECT 1 FROM record_history NOT INDEXED WHERE record_name = ?1 AND id > (SELECT CAST(value AS INTEGER) FROM aimdb_meta WHERE key = 'counted_last'))
		ORDER BY 1`
	// markExternal gives version 0 to the rows of other programs between two IDs.
	markExternal = `INSERT OR REPLACE INTO aimdb_shape(record_name, first_id, version)
		SELECT record_name, min(id), 0 FROM record_history NOT INDEXED
		WHERE id > ?1 AND id <= ?2 AND record_name IN (SELECT record_name FROM aimdb_shape) GROUP BY record_name`
)

// shapeColumn is shapeText, or 0 for a file of a version that has no table of shapes.
func shapeColumn(have int) string {
	if have < shapedSince {
		return "0"
	}
	return shapeText
}

// migrateShapes adds the versions of shapes.
func migrateShapes(ctx context.Context, conn *sql.Conn) error {
	for _, statement := range []string{
		`CREATE TABLE aimdb_shape (id INTEGER PRIMARY KEY AUTOINCREMENT, record_name TEXT NOT NULL, first_id INTEGER NOT NULL,
			version INTEGER NOT NULL, UNIQUE (record_name, first_id))`,
		"ALTER TABLE aimdb_dead_letter ADD COLUMN shape INTEGER NOT NULL DEFAULT 0",
	} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// markShapes is part of the transaction that has just stored and counted entries with
// consecutive IDs.
func (w *writer) markShapes(ctx context.Context, firstID int64, entries []sinks.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	marked, err := w.queryInt(ctx, anyShapeText)
	if err != nil {
		return err
	}
	if marked == 0 && !slices.ContainsFunc(entries, func(e sinks.Entry) bool { return e.Shape != 0 }) {
		return nil
	}
	last := map[string]int{}
	for i, e := range entries {
		id := firstID + int64(i)
		have, known := last[e.Record]
		if !known {
			if have, err = w.shapeAt(ctx, e.Record, id); err != nil {
				return err
			}
		}
		if have != e.Shape {
			if err := w.mark(ctx, e.Record, id, e.Shape, !known, firstID); err != nil {
				return err
			}
		}
		last[e.Record] = e.Shape
	}
	return nil
}

// mark stores a mark. The first mark of a record that has no rows below an ID is at 0, so
// that it has no rows before its first mark.
func (w *writer) mark(ctx context.Context, record string, id int64, shape int, first bool, below int64) error {
	if first {
		older, err := w.queryInt(ctx, `SELECT EXISTS (SELECT 1 FROM aimdb_shape WHERE record_name = ?1)
			OR EXISTS (SELECT 1 FROM record_history WHERE record_name = ?1 AND id < ?2)`, record, below)
		if err != nil {
			return err
		}
		if older == 0 {
			id = 0
		}
	}
	_, err := w.exec(ctx, setShapeText, record, id, shape)
	return err
}

func (w *writer) shapeAt(ctx context.Context, record string, id int64) (int, error) {
	n, err := w.queryInt(ctx, shapeAtText, record, id)
	return int(n), err
}

// queryInt returns the one number of a statement.
func (w *writer) queryInt(ctx context.Context, text string, args ...any) (n int64, err error) {
	statement, err := w.prepared(ctx, text)
	if err != nil {
		return 0, err
	}
	return n, statement.QueryRowContext(ctx, args...).Scan(&n)
}

// Shapes implements history.Shaped.
func (s *Store) Shapes(ctx context.Context, record string) (all []int, err error) {
	if s.version < shapedSince {
		return []int{0}, nil
	}
	ctx, cancel := s.reading(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, shapesText, record)
	if err != nil {
		return nil, s.readError("read the shapes of "+record, err)
	}
	defer rows.Close()
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			return nil, s.readError("read the shapes of "+record, err)
		}
		all = append(all, n)
	}
	return all, s.readError("read the shapes of "+record, errors.Join(rows.Err(), rows.Close()))
}

// withShape puts the column of the shape into a query.
func withShape(text string, have int) string {
	return strings.Replace(text, shapeMarker, shapeColumn(have), 1)
}
