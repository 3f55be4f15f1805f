package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// salvagedTable is a table that is copied as it is. Its columns are those of the new file.
type salvagedTable struct {
	name    string
	columns []string
	types   []string
	notNull []bool
	// byText says that the key, which is the first column, is a text.
	byText bool
	// read takes the first key, the last one and a limit.
	read, insert string
	// first is the least key that is read, if keys are numbers. In a damaged page, SQLite
	// may find a lower one.
	first int64
	// left counts rows with such a key or with types that this program does not write.
	left   int64
	values []any
}

func (c *salvager) table(ctx context.Context, name string) (*salvagedTable, error) {
	t := &salvagedTable{name: name}
	rows, err := c.into.conn.QueryContext(ctx, `SELECT name, type, "notnull" OR pk > 0 FROM pragma_table_info(?) ORDER BY cid`, name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var column, kind string
		var notNull bool
		if err := rows.Scan(&column, &kind, &notNull); err != nil {
			return nil, err
		}
		t.columns, t.types, t.notNull = append(t.columns, column), append(t.types, kind), append(t.notNull, notNull)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	t.byText = t.types[0] == "TEXT"
	list := strings.Join(t.columns, ", ")
	t.read = fmt.Sprintf("SELECT %s FROM %s NOT INDEXED WHERE %s BETWEEN ?1 AND ?2 ORDER BY %[3]s LIMIT ?3", list, name, t.columns[0])
	t.insert = fmt.Sprintf("INSERT OR IGNORE INTO %s(%s) VALUES (?%s)", name, list, strings.Repeat(",?", len(t.columns)-1))
	t.values = make([]any, len(t.columns))
	return t, nil
}

// take copies the row that was read, and returns its key if that is a number. It leaves out a
// row that cannot be one of the table.
func (t *salvagedTable) take(ctx context.Context, into *writer, rows *sql.Rows) (key int64, copied bool, err error) {
	pointers := make([]any, len(t.values))
	for i := range t.values {
		pointers[i] = &t.values[i]
	}
	if err := rows.Scan(pointers...); err != nil {
		return 0, false, err
	}
	key, _ = t.values[0].(int64)
	if !t.byText && key < t.first {
		t.left++
		return key, false, nil
	}
	for i, value := range t.values {
		if !fits(value, t.types[i], t.notNull[i]) {
			t.left++
			return key, false, nil
		}
	}
	result, err := into.exec(ctx, t.insert, t.values...)
	if err != nil {
		return key, false, err
	}
	n, err := result.RowsAffected()
	return key, n > 0, err
}

func fits(value any, kind string, notNull bool) bool {
	switch value.(type) {
	case nil:
		return !notNull
	case int64:
		return kind == "INTEGER"
	case string:
		return kind == "TEXT"
	}
	return false
}

// copyTable copies all that can be read of a table. whole says that this is all of it.
func (c *salvager) copyTable(ctx context.Context, t *salvagedTable) (whole bool, err error) {
	take := func(rows *sql.Rows) (int64, error) {
		key, _, err := t.take(ctx, c.into, rows)
		return key, err
	}
	if t.byText {
		return c.walkText(ctx, t, take)
	}
	var last sql.NullInt64
	err = c.from.conn.QueryRowContext(ctx, "SELECT max(seq) FROM sqlite_sequence WHERE name = ?", t.name).Scan(&last)
	switch {
	case ifReadable(err) != nil:
		return false, err
	case err != nil || t.name == "aimdb_sweep" || t.name == "aimdb_stored": // its keys are IDs of rows
		last.Int64 = c.last
	case !last.Valid:
		return true, nil // it never had a row
	}
	return c.walk(ctx, t.read, t.first, last.Int64, take)
}
