package postgres

import (
	"context"
	"strings"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// scope is what a query sees: records, and the last row that was stored when it began.
type scope struct {
	names []string // sorted
	maxID int64
	// budget is the number of rows that the query may hold in memory at once.
	budget int
	// last is the latest time of the rows that were stored last of their records.
	last int64
	// timed are the records that may have rows with times of their own.
	timed map[string]bool
}

// A query over many records holds at most budgetRows rows in memory, or about budgetBytes
// if the values are large.
const (
	budgetRows  = 1 << 14
	budgetBytes = 64 << 20
)

const (
	// scopeText reads the names from the counts, with the size of a value of the record
	// with the largest ones, and the latest time of a row that was stored last. The names
	// begin with $1 as they are, and with $2 when '::' is written as '.'.
	scopeText = `SELECT (SELECT next_id - 1 FROM aimdb_checkpoint),
		EXISTS (SELECT FROM aimdb_meta WHERE key = 'recount'),
		r.names, r.size, r.last, r.timed
		FROM (SELECT coalesce(array_agg(record_name ORDER BY record_name), '{}') AS names, coalesce(array_agg(record_name) FILTER (WHERE timed), '{}') AS timed, coalesce(max(bytes / rows), 0) AS size, coalesce(max(last_time), 0) AS last
			FROM aimdb_record WHERE rows > 0 AND record_name ^@ $1 AND replace(record_name, '::', '.') ^@ $2) r`
	// namesText skips through the index from each name to the next. A DISTINCT would
	// visit every entry.
	namesText = `WITH RECURSIVE n(name) AS (
		(SELECT record_name FROM record_history WHERE record_name >= $1 ORDER BY record_name LIMIT 1)
		UNION ALL
		SELECT (SELECT record_name FROM record_history WHERE record_name > n.name ORDER BY record_name LIMIT 1) FROM n WHERE n.name ^@ $1)
		SELECT name FROM n WHERE name ^@ $1`
)

// scope returns the records that have rows and match a pattern. While rows of other
// programs are not counted, it looks for names in the rows themselves.
func (s *Store) scope(ctx context.Context, p key.Pattern) (sc scope, err error) {
	const doing = "read the names of the records"
	prefix := p.Prefix()
	first, _, _ := strings.Cut(prefix, ".")
	var recount bool
	var names, timed []string
	var size int64
	if err := s.read(ctx, doing, scopeText, []any{first, prefix}, []any{&sc.maxID, &recount, &names, &size, &sc.last, &timed}, func() {}); err != nil {
		return sc, err
	}
	sc.timed = make(map[string]bool, len(timed))
	for _, name := range timed {
		sc.timed[name] = true
	}
	sc.budget = int(min(budgetRows, max(budgetBytes/max(size, 1), 1)))
	if recount {
		var name string
		names = names[:0]
		if err := s.read(ctx, doing, namesText, []any{first}, []any{&name}, func() { names = append(names, name) }); err != nil {
			return sc, err
		}
	}
	for _, name := range names {
		if p.Match(name) {
			sc.names = append(sc.names, name)
		}
	}
	sc.maxID = orNone(sc.maxID)
	return sc, nil
}

func orNone(lastID int64) int64 {
	if lastID == 0 {
		return -1
	}
	return lastID
}

// positionText reads the identity too, which the writer changes after a failover.
const positionText = "SELECT (SELECT value FROM aimdb_meta WHERE key = 'identity'), log, sequence, next_id - 1 FROM aimdb_checkpoint"

// Position implements history.Reader.
func (s *Store) Position(ctx context.Context) (p history.Snapshot, err error) {
	var sequence int64
	err = s.read(ctx, "read the position", positionText, nil, []any{&p.Identity, &p.Log, &sequence, &p.MaxID}, func() {})
	if err != nil {
		return p, err
	}
	p.Sequence, p.MaxID = uint64(sequence), orNone(p.MaxID)
	return p, nil
}

// Records implements history.Pruner.
func (s *Store) Records(ctx context.Context) ([]string, error) {
	sc, err := s.scope(ctx, key.WirePattern("#"))
	return sc.names, err
}
