package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// history opens the history to read it.
func (r *report) history(ctx context.Context, p Place) {
	if _, err := os.Stat(p.History); errors.Is(err, fs.ErrNotExist) {
		r.ok("history", p.History, "there is none yet")
		return
	}
	if wal, err := os.Stat(p.History + "-wal"); err == nil && wal.Size() > largeWAL {
		r.warn("write-ahead log", p.History+"-wal", "end programs that read the history for a long time", "it has grown to %s", size(uint64(wal.Size())))
	}
	s, err := sqlite.OpenReadOnly(p.History, sqlite.Untouched())
	if err == nil {
		err = r.stored(ctx, p, s)
		err = errors.Join(err, s.Close())
	}
	switch {
	case err == nil:
	case errors.Is(err, sqlite.ErrNewer):
		r.problem("history", p.History, "use the newer program, or restore a backup of before", "%v", err)
	case errors.Is(err, sqlite.ErrCorrupt):
		r.problem("history", p.History, "run 'aimdb history check "+p.History+"', and restore a backup with 'aimdb history restore'", "%v", err)
	default:
		r.problem("history", p.History, "do what the error says", "%v", err)
	}
}

// stored compares what is stored with the clock and with the log.
func (r *report) stored(ctx context.Context, p Place, s *sqlite.Store) error {
	stats, err := s.Stats(ctx)
	if err != nil {
		return err
	}
	at, err := s.Checkpoint(ctx)
	if err != nil {
		return err
	}
	r.ok("history", p.History, "%d rows of %d records in %s", stats.Rows, len(stats.Records), size(uint64(stats.Bytes)))
	r.clock(p.History, stats)
	if stats.DeadLetters > 0 {
		r.warn("dead letters", p.History, "see them with 'aimdb sink dead-letters "+p.History+" list'", "%d values could not be stored", stats.DeadLetters)
	}
	r.sameLog(p.Dir, at)
	return nil
}

// clock finds rows of the future.
func (r *report) clock(where string, stats history.Stats) {
	newest, record := int64(0), ""
	for _, one := range stats.Records {
		if one.LastTime > newest {
			newest, record = one.LastTime, one.Record
		}
	}
	at := time.UnixMilli(newest)
	if ahead := at.Sub(r.now); ahead > history.ClockTolerance {
		r.warn("clock", where, "see whether the clock of this machine is right, or was wrong before", "the newest row, of %q, has the time %s, which is %v ahead of the clock", record, at.UTC().Format(time.RFC3339), ahead.Round(time.Second))
	}
}

// sameLog compares the log that the history continues with the one in the directory.
func (r *report) sameLog(dir string, at history.Position) {
	if at.Log == "" {
		return // nothing was stored from a log
	}
	streams, err := filepath.Glob(filepath.Join(dir, "log", "jetstream", "*", "streams", "*", "meta.inf"))
	if err != nil || len(streams) == 0 {
		r.warn("log", filepath.Join(dir, "log"), "if it was lost, start the database: it counts what is missing, and 'aimdb verify' says it", "the history continues the log %s, and there is none here", at.Log)
		return
	}
	for _, path := range streams {
		text, err := os.ReadFile(path)
		var meta struct {
			Metadata map[string]string `json:"metadata"`
		}
		if err == nil {
			err = json.Unmarshal(text, &meta)
		}
		if err != nil {
			r.problem("log", path, "restore the directory as a whole, or move log away and start the database, which counts what is missing", "the log cannot be read: %v", err)
			return
		}
		if meta.Metadata["aimdb.identity"] == at.Log {
			r.ok("log", path, "the history continues it after sequence %d", at.Sequence)
			return
		}
	}
	r.problem("log", streams[0], "put the right history and log together; if the log was lost, start the database: it counts what is missing, and 'aimdb verify' says it", "the history continues another log, %s", at.Log)
}
