package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
)

// writer is the one connection that writes. Between newWriter and close it
// belongs to the goroutine of Run.
type writer struct {
	db   *sql.DB
	conn *sql.Conn
	// statements are kept prepared by their text.
	statements map[string]*sql.Stmt
	// The statements of a batch and of counts.
	insertRows, knowRecords, addCounts, addGroups, setChunks chunked

	checkpoint history.Position
	// args, groups, walked and summed are buffers of one batch, and holes are what the
	// last batch lacks.
	args   []any
	groups []recordGroup
	walked []sinks.Numbers
	summed []byte
	holes  []history.Hole
	// numbers are the last numbers of the records in this log, as far as they were
	// read from aimdb_record.
	numbers map[string]sinks.LastNumber
	// timed are the records that have covered rows, or had some.
	timed map[string]bool
	// names is the set that queries use.
	names *names
	// worked is when the last command began, and zero since the connection rests.
	worked time.Time
	// last is the last row ID that this writer knows of.
	last int64
	// stepped says that the clock of some record was set back; readers ask it too.
	stepped atomic.Bool
	// shrinks says that the file was made with auto_vacuum.
	shrinks bool
	// unchecked says that the last stop was not clean and that the file was not checked.
	unchecked bool
	// quirk is a warning about the file, to be logged once.
	quirk string
}

// chunks are the numbers of rows that one statement takes. Many at once save the
// cost of a statement; few sizes keep all of them prepared.
var chunks = [...]int{256, 32, 4, 1}

// chunked is a statement that takes several rows of values at once, in the sizes
// of chunks.
type chunked struct {
	columns int
	texts   [len(chunks)]string
}

func newChunked(head, values, tail string) chunked {
	c := chunked{columns: strings.Count(values, "?")}
	for i, size := range chunks {
		c.texts[i] = head + values + strings.Repeat(","+values, size-1) + tail
	}
	return c
}

func newWriter(ctx context.Context, path string, o options, have int, owned bool, known *names) (*writer, error) {
	db, err := openWriter(path, o)
	if err != nil {
		return nil, err
	}
	w := &writer{
		db: db, worked: time.Now(), names: known, statements: map[string]*sql.Stmt{}, numbers: map[string]sinks.LastNumber{},
		insertRows:  newChunked("INSERT INTO record_history(record_name, value_json, stored_at) VALUES ", "(?,?,?)", ""),
		knowRecords: newChunked("INSERT INTO aimdb_record(name, rows, bytes) VALUES ", "(?,0,0)", " ON CONFLICT DO NOTHING"),
		addCounts:   newChunked("INSERT INTO aimdb_record(name, rows, bytes) VALUES ", "(?,?,?)", addCounts),
		addGroups:   newChunked("INSERT INTO aimdb_record(name, rows, bytes, step_id, step_time, last_time, run, number) VALUES ", "(?,?,?,?,?,?,?,?)", addCounts+followClock+followNumber),
		setChunks:   newChunked(setChunks, "(?,?,?,?,?,?)", ""),
	}
	if err := w.start(ctx, have, owned, o); err != nil {
		_ = w.close() // the first error is the one to tell
		return nil, err
	}
	return w, nil
}

func (w *writer) start(ctx context.Context, have int, owned bool, o options) (err error) {
	if w.conn, err = w.db.Conn(ctx); err != nil {
		return err
	}
	if owned {
		if err := w.bringUpToDate(ctx, have, o); err != nil {
			return err
		}
	}
	var vacuum int
	if err := w.conn.QueryRowContext(ctx, "PRAGMA auto_vacuum").Scan(&vacuum); err != nil {
		return err
	}
	if w.shrinks = vacuum != 0; !w.shrinks {
		w.quirk = "this history was made without auto_vacuum: pruning makes room inside the file but cannot make it smaller; run 'aimdb history compact' on it once while nothing else uses it"
	}
	if _, err := w.pendingRecount(ctx); err != nil {
		return err
	}
	if err := w.conn.QueryRowContext(ctx, "SELECT "+lastID).Scan(&w.last); err != nil {
		return err
	}
	if err := w.findSteps(ctx); err != nil {
		return err
	}
	if err := w.findTimed(ctx); err != nil && (!o.unchecked || ifReadable(err) != nil) {
		return err
	}
	w.checkpoint, err = w.readCheckpoint(ctx, o.unchecked)
	return err
}

// bringUpToDate does what only the owner of the file may. It creates the index of
// the history if it was dropped. With the option Beside the owner leaves at
// once, and the file is not marked as in use.
func (w *writer) bringUpToDate(ctx context.Context, have int, o options) error {
	if err := migrate(ctx, w.conn, max(have, 0)); err != nil {
		return err
	}
	if _, err := w.conn.ExecContext(ctx, historySchema); err != nil {
		return fmt.Errorf("create the index of the history: %w", err)
	}
	unclean, err := w.checkUnclean(ctx, o.unchecked)
	if err != nil || unclean || o.beside {
		return err
	}
	return setMeta(ctx, w.conn, "clean", 0)
}

// checkUnclean looks for damage if the last stop was not clean, unless it is to skip that.
func (w *writer) checkUnclean(ctx context.Context, skip bool) (unclean bool, err error) {
	clean, err := metaInt(ctx, w.conn, "clean")
	if err != nil || clean != 0 {
		return false, err
	}
	if w.unchecked = skip; skip {
		return true, nil
	}
	var result string
	if err := w.conn.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&result); err != nil {
		return true, err
	}
	if result != "ok" {
		return true, fmt.Errorf("%w: %s", ErrCorrupt, result)
	}
	return true, nil
}

// execChunks executes a statement with many rows of values.
func (w *writer) execChunks(ctx context.Context, c *chunked, args []any) error {
	for i, size := range chunks {
		for n := size * c.columns; len(args) >= n; args = args[n:] {
			if _, err := w.exec(ctx, c.texts[i], args[:n]...); err != nil {
				return err
			}
		}
	}
	return nil
}

// prepared returns the prepared statement of a text.
func (w *writer) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if statement := w.statements[text]; statement != nil {
		return statement, nil
	}
	statement, err := w.conn.PrepareContext(ctx, text)
	if err == nil {
		w.statements[text] = statement
	}
	return statement, err
}

func (w *writer) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	statement, err := w.prepared(ctx, text)
	if err != nil {
		return nil, err
	}
	return statement.ExecContext(ctx, args...)
}

// markClean marks the file as closed cleanly.
func (w *writer) markClean(ctx context.Context) error {
	if w.conn == nil {
		return nil
	}
	if _, err := w.conn.ExecContext(ctx, "PRAGMA optimize"); err != nil {
		return err
	}
	return setMeta(ctx, w.conn, "clean", 1)
}

// forget resets the last row ID and the numbers after a transaction that has failed.
func (w *writer) forget(before int64) {
	clear(w.numbers)
	w.names.last.CompareAndSwap(w.last, before)
	w.last = before
}

// take takes over the connection of another writer. Whether the file shrinks is not
// taken over: sweeps ask for it.
func (w *writer) take(fresh *writer) {
	w.db, w.conn, w.statements = fresh.db, fresh.conn, fresh.statements
	w.checkpoint, w.last, w.numbers, w.timed = fresh.checkpoint, fresh.last, fresh.numbers, fresh.timed
	w.stepped.Store(fresh.stepped.Load())
}

// close ends the connection.
func (w *writer) close() error {
	for _, statement := range w.statements {
		_ = statement.Close() // goes with the connection anyway
	}
	if w.conn != nil {
		_ = w.conn.Close() // goes back to the pool, which is closed next
	}
	return w.db.Close()
}
