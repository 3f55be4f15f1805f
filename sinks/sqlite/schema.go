package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"
)

// version is the schema that this program writes. Version 0 is a file that
// upstream made: the table and the index of the history and nothing else.
const version = 6

// Since these versions, files have clock steps and sweeps; checksums, holes and a
// checkpoint that is stored twice; versions of shapes; and times of storing.
const (
	steppedSince = 3
	provenSince  = 4
	shapedSince  = 5
	timedSince   = 6
)

// historySchema is what upstream and this program share, to the letter.
const historySchema = `CREATE TABLE IF NOT EXISTS record_history (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  record_name TEXT NOT NULL, value_json TEXT NOT NULL, stored_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS idx_record_time ON record_history(record_name, stored_at DESC);`

// own are the tables of version 1 that only this program knows.
const own = `CREATE TABLE aimdb_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE aimdb_checkpoint (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  log TEXT NOT NULL, sequence INTEGER NOT NULL);
CREATE TABLE aimdb_loss (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  record_name TEXT NOT NULL, cause TEXT NOT NULL, count INTEGER NOT NULL,
  from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL,
  first_time INTEGER NOT NULL, last_time INTEGER NOT NULL, noted_at INTEGER NOT NULL);
CREATE TABLE aimdb_dead_letter (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  log TEXT NOT NULL, sequence INTEGER NOT NULL, record_name TEXT NOT NULL,
  value_json TEXT NOT NULL, stored_at INTEGER NOT NULL,
  reason TEXT NOT NULL, noted_at INTEGER NOT NULL);
CREATE TABLE aimdb_record (name TEXT PRIMARY KEY, rows INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;`

// ownColumns are the sorted columns of our own tables in the current version.
func ownColumns() map[string]string {
	return map[string]string{
		"aimdb_meta":        "key,value",
		"aimdb_checkpoint":  "log,message_hash,message_time,only,sequence,sum",
		"aimdb_loss":        "cause,count,first_time,from_seq,id,last_time,noted_at,record_name,to_seq",
		"aimdb_dead_letter": "event,id,log,noted_at,reason,record_name,sequence,shape,stored_at,value_json",
		"aimdb_record":      "bytes,last_time,name,number,rows,run,step_id,step_time",
		"aimdb_sweep":       "at,last_id",
		"aimdb_checksum":    "chunk,from_seq,log,sum,sums,to_seq",
		"aimdb_shape":       "first_id,id,record_name,version",
		"aimdb_stored":      "at,first_id,imported,last_id,record_name",
		"aimdb_hole":        "from_number,id,noted_at,record_name,run,time,to_number",
	}
}

// migrations[v] takes a file from version v to v+1. They only ever go forward.
var migrations = [version]func(ctx context.Context, conn *sql.Conn) error{
	migrateFromUpstream,
	migrateLastCounted,
	migrateClockSteps,
	migrateProofs,
	migrateShapes,
	migrateEventTimes,
}

// migrateFromUpstream adds our own tables and leaves the history as it is. Its
// rows are counted later.
func migrateFromUpstream(ctx context.Context, conn *sql.Conn) error {
	for _, statements := range []string{historySchema, own} {
		if _, err := conn.ExecContext(ctx, statements); err != nil {
			return err
		}
	}
	var last int64
	if err := conn.QueryRowContext(ctx, "SELECT coalesce(max(id), 0) FROM record_history").Scan(&last); err != nil {
		return err
	}
	values := map[string]any{
		"identity": secret(16),
		"clean":    1, "counted_to": 0, "count_until": last,
	}
	for key, value := range values {
		if err := setMeta(ctx, conn, key, value); err != nil {
			return err
		}
	}
	return nil
}

// migrateLastCounted notes which row was counted last.
func migrateLastCounted(ctx context.Context, conn *sql.Conn) error {
	var last int64
	if err := conn.QueryRowContext(ctx, "SELECT "+lastID).Scan(&last); err != nil {
		return err
	}
	return setMeta(ctx, conn, "counted_last", last)
}

// migrateClockSteps gives the checkpoint the fingerprint of its message, moves what
// is known of clock steps from aimdb_meta to columns, and what is left to count into
// a mark.
func migrateClockSteps(ctx context.Context, conn *sql.Conn) error {
	for _, statement := range []string{
		"ALTER TABLE aimdb_checkpoint ADD COLUMN message_time INTEGER NOT NULL DEFAULT 0",
		"ALTER TABLE aimdb_checkpoint ADD COLUMN message_hash INTEGER NOT NULL DEFAULT 0",
		"ALTER TABLE aimdb_record ADD COLUMN step_id INTEGER",
		"ALTER TABLE aimdb_record ADD COLUMN step_time INTEGER",
		"ALTER TABLE aimdb_record ADD COLUMN last_time INTEGER",
		"CREATE TABLE aimdb_sweep (last_id INTEGER PRIMARY KEY, at INTEGER NOT NULL)",
		"CREATE INDEX aimdb_record_step ON aimdb_record(step_id) WHERE step_id IS NOT NULL",
		"INSERT INTO aimdb_record(name, rows, bytes) " + strings.Replace(allNamesText, "SELECT name FROM n", "SELECT name, 0, 0 FROM n", 1) + " ON CONFLICT DO NOTHING",
		"INSERT INTO aimdb_record(name, rows, bytes) SELECT substr(key, 6), 0, 0 FROM aimdb_meta WHERE key LIKE 'turn:%' ON CONFLICT DO NOTHING",
		"UPDATE aimdb_record SET last_time = (SELECT max(stored_at) FROM record_history WHERE record_name = name)",
		`INSERT INTO aimdb_meta(key, value) SELECT 'recount', u.value FROM aimdb_meta u JOIN aimdb_meta t ON t.key = 'counted_to'
			WHERE u.key = 'count_until' AND CAST(t.value AS INTEGER) < CAST(u.value AS INTEGER)`,
	} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	if err := moveTurns(ctx, conn); err != nil {
		return err
	}
	_, err := conn.ExecContext(ctx, "DELETE FROM aimdb_meta WHERE key LIKE 'turn:%' OR key IN ('counted_to', 'count_until', 'cursor_key')")
	return err
}

// moveTurns reads entries of three numbers: the row at which the clock of a record
// was set back, its time, and the time of the row stored last, which is the
// greatest number there is if no row has a later time.
func moveTurns(ctx context.Context, conn *sql.Conn) error {
	rows, err := conn.QueryContext(ctx, "SELECT substr(key, 6), value FROM aimdb_meta WHERE key LIKE 'turn:%'")
	if err != nil {
		return err
	}
	defer rows.Close()
	type turn struct {
		record         string
		id, time, last int64
	}
	var turns []turn
	for rows.Next() {
		var t turn
		var text string
		if err := rows.Scan(&t.record, &text); err != nil {
			return err
		}
		if _, err := fmt.Sscan(text, &t.id, &t.time, &t.last); err != nil {
			return fmt.Errorf("read where the clock of %s was set back: %q is not three numbers: %w", t.record, text, err)
		}
		turns = append(turns, t)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, t := range turns {
		_, err := conn.ExecContext(ctx, "UPDATE aimdb_record SET step_id = ?2, step_time = ?3, last_time = min(coalesce(last_time, ?4), ?4) WHERE name = ?1", t.record, t.id, t.time, t.last)
		if err != nil {
			return err
		}
	}
	return nil
}

// migrateProofs adds what proves that the rows are those that were stored. Rows that are
// there have no checksum.
func migrateProofs(ctx context.Context, conn *sql.Conn) error {
	for _, statement := range []string{
		`CREATE TABLE aimdb_checksum (chunk INTEGER PRIMARY KEY, sums BLOB NOT NULL,
			log TEXT NOT NULL, from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL, sum INTEGER NOT NULL)`,
		`CREATE TABLE aimdb_hole (id INTEGER PRIMARY KEY AUTOINCREMENT, record_name TEXT NOT NULL, run INTEGER NOT NULL,
			from_number INTEGER NOT NULL, to_number INTEGER NOT NULL, time INTEGER NOT NULL, noted_at INTEGER NOT NULL)`,
		"ALTER TABLE aimdb_record ADD COLUMN run INTEGER",
		"ALTER TABLE aimdb_record ADD COLUMN number INTEGER",
		"ALTER TABLE aimdb_checkpoint ADD COLUMN sum INTEGER NOT NULL DEFAULT 0",
	} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	c, err := scanCheckpoints(conn.QueryRowContext(ctx, checkpointText))
	if err != nil || !c.found {
		return err
	}
	text, sum := formatCheckpoint(c.table)
	if _, err := conn.ExecContext(ctx, "UPDATE aimdb_checkpoint SET sum = ?", sum); err != nil {
		return err
	}
	return setMeta(ctx, conn, "checkpoint", text)
}

// migrate brings a file to the current version, in one transaction.
func migrate(ctx context.Context, conn *sql.Conn, from int) error {
	if from == version {
		return nil
	}
	return inTransaction(ctx, conn, func() error {
		for v := from; v < version; v++ {
			if err := migrations[v](ctx, conn); err != nil {
				return fmt.Errorf("migrate the schema from version %d to %d: %w", v, v+1, err)
			}
		}
		return setMeta(ctx, conn, "schema_version", version)
	})
}

func secret(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails, says its documentation
	return hex.EncodeToString(b)
}
