package postgres

import (
	"context"
	"math"
)

// size is what a history takes on disk, in bytes.
type size struct {
	// rows is the size of the partitions with their indexes, others that of all other
	// tables.
	rows, others int64
	// count is the number of rows, needed about what they would take without the space
	// that deleted rows have left. fixed is what the partitions take beside.
	count, needed, fixed int64
}

// PostgreSQL gives the space of deleted rows back only when the whole partition is dropped or
// the end of its file is empty. So what is in use is estimated from the exact counts. Beside
// its value, a row takes about 160 bytes and five times its name: once in the table and in
// two indexes whose pages are half full, since rows of many records are added in turns; a third index has rows of event times. Each
// partition has some pages that are not full. Long values are compressed; a sample of the
// last ones shows by how much.
const sizeText = `SELECT
	(SELECT coalesce(sum(pg_total_relation_size(relid)), 0)::bigint FROM pg_partition_tree('record_history')),
	(SELECT coalesce(sum(pg_total_relation_size(name::regclass)), 0)::bigint FROM unnest(ARRAY['aimdb_meta', 'aimdb_checkpoint',
		'aimdb_record', 'aimdb_hole', 'aimdb_loss', 'aimdb_dead_letter', 'aimdb_shape',
		'aimdb_foreign', 'aimdb_sweep']) name),
	(SELECT coalesce(sum(rows), 0)::bigint FROM aimdb_record),
	(SELECT coalesce(sum(rows * (160 + 5 * octet_length(record_name) + CASE WHEN timed THEN 64 + 2 * octet_length(record_name) ELSE 0 END) + bytes * s.share), 0)::bigint FROM aimdb_record),
	(SELECT 40960 * count(*) FROM pg_inherits WHERE inhparent = 'record_history'::regclass)
	FROM (SELECT coalesce(sum(pg_column_size(h.value_json))::float8 / nullif(sum(octet_length(h.value_json)), 0), 1) AS share
		FROM (SELECT record_name FROM aimdb_record WHERE rows > 0 LIMIT 64) r CROSS JOIN LATERAL
			(SELECT value_json FROM record_history WHERE record_name = r.record_name ORDER BY stored_at DESC, id DESC LIMIT 8) h) s`

func readSize(ctx context.Context, on querier) (s size, err error) {
	err = each(ctx, on, sizeText, nil, []any{&s.rows, &s.others, &s.count, &s.needed, &s.fixed}, func() {})
	return s, err
}

// used is what is in use.
func (s size) used() int64 { return s.others + min(s.rows, s.needed+s.fixed) }

// each is what a row takes, with its share of the partitions.
func (s size) each() float64 { return float64(max(s.needed+s.fixed, 1)) / float64(max(s.count, 1)) }

// rowsFor is the number of rows that take so many bytes, rounded up.
func (s size) rowsFor(bytes int64) int64 {
	return int64(math.Ceil(float64(max(bytes, 0)) / s.each()))
}
