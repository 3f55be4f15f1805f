package postgres

import (
	"context"
	"slices"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
)

var _ history.Shaped = (*Store)(nil)

// shapeText is the version of the shape of a row, as a column of record_history. Where
// there are no versions, it costs one look per statement.
const shapeText = `CASE WHEN (SELECT EXISTS (SELECT FROM aimdb_shape)) THEN
		CASE WHEN EXISTS (SELECT FROM aimdb_foreign f WHERE record_history.id BETWEEN f.first_id AND f.last_id) THEN 0 ELSE
			coalesce((SELECT s.version FROM aimdb_shape s WHERE s.record_name = record_history.record_name AND s.first_id <= record_history.id
				ORDER BY s.first_id DESC LIMIT 1), 0) END
		ELSE 0 END AS shape`

// markShapes is called with the arguments that shapeRuns returns.
const markShapes = "SELECT aimdb_mark_shapes($1::text[], $2::bigint[], $3::bigint[])"

// shapeRuns returns the first row of each run of entries of one record and shape, by record
// and ID. The entries have consecutive IDs.
func shapeRuns(entries []sinks.Entry, firstID int64) []any {
	var names []string
	var ids, shapes []int64
	last := map[string]int{}
	for i := range entries {
		e := &entries[i]
		if i > 0 && e.Record == entries[i-1].Record && e.Shape == entries[i-1].Shape {
			continue
		}
		if have, known := last[e.Record]; known && have == e.Shape {
			continue
		}
		last[e.Record] = e.Shape
		names, ids, shapes = append(names, e.Record), append(ids, firstID+int64(i)), append(shapes, int64(e.Shape))
	}
	return []any{names, ids, shapes}
}

// Shapes implements history.Shaped.
func (s *Store) Shapes(ctx context.Context, record string) (all []int, err error) {
	const text = `SELECT version FROM aimdb_shape WHERE record_name = $1 UNION
		SELECT 0 WHERE NOT EXISTS (SELECT FROM aimdb_shape WHERE record_name = $1 AND first_id = 0) OR EXISTS (SELECT FROM aimdb_foreign)`
	var n int
	err = s.read(ctx, "read the shapes of "+record, text, []any{record}, []any{&n}, func() { all = append(all, n) })
	slices.Sort(all)
	return all, err
}
