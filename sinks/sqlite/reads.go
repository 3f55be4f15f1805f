package sqlite

import (
	"context"
	"database/sql"
	"strings"

	"github.com/aimdb-go/aimdb/history"
)

// reads are the statements that queries are made of, kept prepared.
type reads struct {
	maxID, allNames, position, newest, clockStep, isTimed *sql.Stmt
	// sorted are forward and backward with rows of one time in order.
	forward, backward, sortedForward, sortedBackward *sql.Stmt
}

const (
	// allNamesText skips from each name to the next; a DISTINCT would visit
	// every entry of the index.
	allNamesText = `WITH RECURSIVE n(name) AS (
		SELECT (SELECT record_name FROM record_history ORDER BY record_name LIMIT 1)
		UNION ALL
		SELECT (SELECT record_name FROM record_history WHERE record_name > n.name ORDER BY record_name LIMIT 1) FROM n WHERE n.name IS NOT NULL)
		SELECT name FROM n WHERE name IS NOT NULL`
	// shapeMarker stands for the column of shapeColumn.
	shapeMarker = "SHAPE"
	// newestText finds the time first and then the last row of that time, so
	// that neither step sorts.
	newestText = `SELECT id, value_json, stored_at, ` + shapeMarker + ` FROM record_history WHERE record_name = ?1 AND stored_at =
		(SELECT stored_at FROM record_history WHERE record_name = ?1 AND stored_at BETWEEN ?2 AND ?3 ORDER BY stored_at DESC LIMIT 1)
		ORDER BY id DESC LIMIT 1`
	// forwardText and backwardText read a page after a row: ?2 and ?3 are the
	// time and the ID of that row. Rows come in the order of the index, which
	// reverses those of one time; having SQLite sort them takes twice as long.
	forwardText = `SELECT id, value_json, stored_at, ` + shapeMarker + ` FROM record_history
		WHERE record_name = ?1 AND stored_at BETWEEN ?2 AND ?4 AND (stored_at > ?2 OR id > ?3) AND id BETWEEN ?7 AND ?5
		ORDER BY stored_at LIMIT ?6`
	backwardText = `SELECT id, value_json, stored_at, ` + shapeMarker + ` FROM record_history
		WHERE record_name = ?1 AND stored_at BETWEEN ?4 AND ?2 AND (stored_at < ?2 OR id < ?3) AND id BETWEEN ?7 AND ?5
		ORDER BY stored_at DESC LIMIT ?6`
	bareText = `SELECT FALSE, '', 0, 0, 0, -1, '', ` + lastID
)

// prepareReads prepares the statements that a file of a version can answer.
func prepareReads(ctx context.Context, db *sql.DB, have int) (r reads, err error) {
	position, step, timed := checkpointText, clockStepText, isCovered
	if have < provenSince {
		position = plainCheckpointText
	}
	if have == 0 {
		position = bareText
	}
	if have < steppedSince {
		step = "SELECT NULL" // not asked
	}
	if have < timedSince {
		timed = "SELECT NULL" // not asked
	}
	for _, s := range []struct {
		statement **sql.Stmt
		text      string
	}{
		{&r.clockStep, step},
		{&r.isTimed, timed},
		{&r.maxID, "SELECT " + lastID},
		{&r.allNames, allNamesText},
		{&r.position, position},
		{&r.newest, newestText},
		{&r.forward, forwardText},
		{&r.backward, backwardText},
		{&r.sortedForward, strings.Replace(forwardText, "ORDER BY stored_at", "ORDER BY stored_at, id", 1)},
		{&r.sortedBackward, strings.Replace(backwardText, "ORDER BY stored_at DESC", "ORDER BY stored_at DESC, id DESC", 1)},
	} {
		if *s.statement, err = db.PrepareContext(ctx, withShape(s.text, have)); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (r reads) close() {
	for _, statement := range []*sql.Stmt{
		r.maxID, r.allNames, r.position, r.newest, r.clockStep, r.isTimed, r.forward, r.backward, r.sortedForward, r.sortedBackward,
	} {
		if statement != nil {
			_ = statement.Close() // goes with the pool anyway
		}
	}
}

// Position implements history.Reader.
func (s *Store) Position(ctx context.Context) (p history.Snapshot, err error) {
	p.Identity = s.Identity()
	at, lastID, _, err := s.checkpoints(ctx)
	p.Log, p.Sequence, p.MaxID = at.Log, at.Sequence, orNone(lastID)
	return p, s.readError("read the position", err)
}

// maxID is that of Position, for what needs no checkpoint.
func (s *Store) maxID(ctx context.Context) (id int64, err error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	err = s.reads.maxID.QueryRowContext(ctx).Scan(&id)
	return orNone(id), s.readError("read the last row ID", err)
}

func orNone(lastID int64) int64 {
	if lastID == 0 {
		return -1
	}
	return lastID
}
