package sqlite

import "database/sql"

// storedRow is a row as it is in the table, whatever its types are.
type storedRow struct {
	id     int64
	record string
	time   int64
	value  string
	// odd says that a column has a type that this program does not write.
	odd    bool
	into   [3]any
	buffer []byte
}

func (r *storedRow) scan(rows *sql.Rows) error {
	if err := rows.Scan(&r.id, &r.into[0], &r.into[1], &r.into[2]); err != nil {
		return err
	}
	record, isRecord := r.into[0].(string)
	at, isTime := r.into[1].(int64)
	value, isValue := r.into[2].(string)
	if r.odd = !isRecord || !isTime || !isValue; r.odd {
		var text sql.NullString
		if err := rows.Scan(&r.id, &text, new(any), new(any)); err != nil {
			return err
		}
		r.record, r.time, r.value = text.String, 0, ""
		return nil
	}
	if r.record != record {
		r.record = record
	}
	r.time, r.value = at, value
	return nil
}

// sum returns the checksum of the row as it is, and 0 if this program cannot have written
// it.
func (r *storedRow) sum() (sum uint32) {
	if r.odd {
		return 0
	}
	r.buffer, sum = rowSum(r.buffer, r.record, r.time, r.value)
	return sum
}
