package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/aimdb-go/aimdb/history"
)

// The checkpoint is stored twice, each time with a checksum: in aimdb_checkpoint, and as
// one text in aimdb_meta. SQLite does not notice a bit that flips in a value, and with a
// wrong checkpoint values would be stored twice or never.

const (
	// checkpointText reads both in one statement, with the last row ID.
	checkpointText = `SELECT c.only IS NOT NULL, CAST(coalesce(c.log, '') AS TEXT), CAST(coalesce(c.sequence, 0) AS INTEGER),
		CAST(coalesce(c.message_time, 0) AS INTEGER), CAST(coalesce(c.message_hash, 0) AS INTEGER),
		CAST(coalesce(c.sum, -1) AS INTEGER), CAST(coalesce(m.value, '') AS TEXT), ` + lastID + `
		FROM (SELECT 1) LEFT JOIN aimdb_checkpoint c ON c.only = 1 LEFT JOIN aimdb_meta m ON m.key = 'checkpoint'`
	// plainCheckpointText reads a file of an older version.
	plainCheckpointText = `SELECT FALSE, coalesce(max(log), ''), coalesce(max(sequence), 0), 0, 0, -1, '', ` + lastID + ` FROM aimdb_checkpoint`
	setCheckpoint       = `INSERT INTO aimdb_checkpoint(only, log, sequence, message_time, message_hash, sum) VALUES (1, ?1, ?2, ?3, ?4, ?5)
		ON CONFLICT(only) DO UPDATE SET log = excluded.log, sequence = excluded.sequence,
			message_time = excluded.message_time, message_hash = excluded.message_hash, sum = excluded.sum`
	setCheckpointCopy = `INSERT INTO aimdb_meta(key, value) VALUES ('checkpoint', ?1) ON CONFLICT(key) DO UPDATE SET value = excluded.value`
)

// checkpoints are both copies of the checkpoint as they were read.
type checkpoints struct {
	// found says that there is a row in aimdb_checkpoint, whose checksum is sum.
	found bool
	table history.Position
	sum   int64
	text  string
	// lastID is the last row ID at the same moment.
	lastID int64
}

func scanCheckpoints(row *sql.Row) (c checkpoints, err error) {
	var sequence, hash int64
	err = row.Scan(&c.found, &c.table.Log, &sequence, &c.table.Message.Time, &hash, &c.sum, &c.text, &c.lastID)
	c.table.Sequence, c.table.Message.Hash = uint64(sequence), uint64(hash)
	return c, err
}

// choose returns the checkpoint, and a sentence if one of the copies is damaged.
func (c checkpoints) choose() (p history.Position, wrong string, err error) {
	if !c.found && c.text == "" {
		return p, "", nil // nothing was ever stored
	}
	copied, copyRight := parseCheckpoint(c.text)
	_, sum := formatCheckpoint(c.table)
	tableRight := c.found && c.sum == sum
	switch {
	case tableRight && copyRight && copied == c.table:
		return copied, "", nil
	case tableRight && copyRight && copied.Sequence <= c.table.Sequence, tableRight && !copyRight:
		return c.table, fmt.Sprintf("the copy of the checkpoint in aimdb_meta is damaged; the checkpoint is %d of log %s", c.table.Sequence, c.table.Log), nil
	case copyRight:
		return copied, fmt.Sprintf("the checkpoint in aimdb_checkpoint is damaged; its copy is used, which is %d of log %s", copied.Sequence, copied.Log), nil
	}
	return p, "", fmt.Errorf("%w: neither the checkpoint nor its copy is what was stored", ErrCorrupt)
}

// formatCheckpoint returns the text of the copy, and its checksum, which it begins with.
func formatCheckpoint(p history.Position) (text string, sum int64) {
	body := fmt.Sprintf("%d %d %d %s", p.Sequence, p.Message.Time, p.Message.Hash, p.Log)
	sum = int64(crc32.ChecksumIEEE([]byte(body)))
	return fmt.Sprintf("%d %s", sum, body), sum
}

// parseCheckpoint reads what formatCheckpoint writes, and nothing else.
func parseCheckpoint(text string) (p history.Position, ok bool) {
	parts := strings.SplitN(text, " ", 5)
	if len(parts) != 5 {
		return p, false
	}
	// What cannot be read differs from what is formatted.
	p.Sequence, _ = strconv.ParseUint(parts[1], 10, 64)
	p.Message.Time, _ = strconv.ParseInt(parts[2], 10, 64)
	p.Message.Hash, _ = strconv.ParseUint(parts[3], 10, 64)
	p.Log = parts[4]
	if same, _ := formatCheckpoint(p); same != text {
		return history.Position{}, false
	}
	return p, true
}

// readCheckpoint returns the checkpoint. With apart, the page of one of the copies may be
// damaged.
func (w *writer) readCheckpoint(ctx context.Context, apart bool) (p history.Position, err error) {
	texts := []string{checkpointText}
	if apart {
		texts = append(texts, strings.Replace(checkpointText, "m.key = 'checkpoint'", "m.key = NULL", 1), strings.Replace(checkpointText, "c.only = 1", "c.only = NULL", 1))
	}
	for _, text := range texts {
		var c checkpoints
		statement, failed := w.prepared(ctx, text)
		if failed == nil {
			c, failed = scanCheckpoints(statement.QueryRowContext(ctx))
		}
		if failed == nil {
			p, _, failed = c.choose() // the store tells what is wrong when it is asked
		}
		if failed == nil {
			return p, nil
		}
		err = errors.Join(err, failed)
	}
	return p, err
}

func (w *writer) setCheckpoint(ctx context.Context, p history.Position) error {
	text, sum := formatCheckpoint(p)
	_, err := w.exec(ctx, setCheckpoint, p.Log, int64(p.Sequence), p.Message.Time, int64(p.Message.Hash), sum)
	if err == nil {
		_, err = w.exec(ctx, setCheckpointCopy, text)
	}
	return err
}

// checkpoints reads both copies as of one moment, and says once if one is damaged.
func (s *Store) checkpoints(ctx context.Context) (p history.Position, lastID int64, wrong string, err error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	c, err := scanCheckpoints(s.reads.position.QueryRowContext(ctx))
	if err != nil {
		return p, 0, "", err
	}
	if s.version < provenSince {
		return c.table, c.lastID, "", nil
	}
	if p, wrong, err = c.choose(); wrong != "" && !s.checkpointSaid.Swap(true) {
		s.options.logger.Error("the history is damaged: "+wrong+"; the next write stores both again", "file", s.path)
	}
	return p, c.lastID, wrong, err
}
