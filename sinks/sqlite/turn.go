package sqlite

import (
	"context"
	"fmt"
	"math"
)

// The clock that write times come from may be set back. From then on the time
// no longer tells which row of a record was stored last, and the ID alone cannot
// either: imported rows have late IDs and early times. So the row at which the
// times of a record turned back is kept, in aimdb_meta, in the transaction that
// stores it.

// turn is where the times of a record last turned back: at the row with the ID
// from and the time time. Behind it they go up to until at most, which follows
// the newest row for as long as earlier rows have later times.
type turn struct {
	from, time, until int64
}

const (
	turnKey = "turn:"
	anyTurn = "SELECT EXISTS (SELECT 1 FROM aimdb_meta WHERE key >= 'turn:' AND key < 'turn;')"
	// The plus keeps SQLite from walking over the IDs: by time, the first
	// entry of the index is nearly always the one.
	newestTime  = "SELECT coalesce(max(stored_at), ?2) FROM record_history WHERE record_name = ?1 AND +id <= ?3"
	turnedRow   = "SELECT id FROM record_history WHERE record_name = ?1 AND stored_at = ?2 AND +id > ?3 ORDER BY id DESC LIMIT 1 OFFSET ?4"
	behindTurn  = "+id >= ?2 AND stored_at BETWEEN ?3 AND ?4"
	lastTime    = "SELECT coalesce(max(stored_at), ?6) FROM record_history WHERE record_name = ?1 AND +id <= ?5 AND " + behindTurn
	lastRows    = "SELECT id, value_json, stored_at FROM record_history WHERE record_name = ?1 AND " + behindTurn + " ORDER BY stored_at DESC, id DESC LIMIT ?5"
	earlierRows = "SELECT id, value_json, stored_at FROM record_history WHERE record_name = ?1 AND NOT (" + behindTurn + ") ORDER BY stored_at DESC, id DESC LIMIT ?5"
)

func readTurn(ctx context.Context, db querier, record string) (turn, error) {
	text, err := meta(ctx, db, turnKey+record)
	if err != nil || text == "" {
		return turn{}, err
	}
	var t turn
	if _, err := fmt.Sscan(text, &t.from, &t.time, &t.until); err != nil {
		return turn{}, fmt.Errorf("read where the times of %s turn back: %q is no turn: %w", record, text, err)
	}
	return t, nil
}

// passage is how the times of the rows that a batch has of one record go.
type passage struct {
	rows                int64
	first, last, latest int64
	// turns says that the times turn back within the batch. start is the time
	// of the row where they last do, or else of the first row, and same the
	// number of rows of that time from there on.
	turns       bool
	start, same int64
}

func (p *passage) add(ms int64) {
	p.rows++
	switch {
	case p.rows == 1:
		p.first, p.latest, p.start, p.same = ms, ms, ms, 1
	case ms < p.last:
		p.turns, p.start, p.same = true, ms, 1
	case ms == p.start:
		p.same++
	}
	p.last, p.latest = ms, max(p.latest, ms)
}

// clock is how the times of a record have gone so far.
type clock struct {
	turn         turn
	last, latest int64
}

func (c clock) behind() bool { return c.last < c.latest }

// follow takes a passage in, and says whether the times turned back, and whether
// they were behind before. The ID of the row where they did is left to find.
func (c *clock) follow(p passage) (turned, wasBehind bool) {
	turned, wasBehind = p.turns || p.first < c.last, c.behind()
	if turned {
		c.turn.time = p.start
	}
	c.last, c.latest = p.last, max(c.latest, p.latest)
	if c.turn.until = math.MaxInt64; c.behind() {
		c.turn.until = c.last
	}
	return turned, wasBehind
}

// noteTurns is part of the transaction that has just stored the rows of a tally.
func (w *writer) noteTurns(ctx context.Context, t tally) error {
	stored := int64(0)
	for _, c := range t {
		stored += c.times.rows
	}
	if stored == 0 {
		return nil
	}
	newest, err := w.prepared(ctx, "SELECT max(id) FROM record_history")
	if err != nil {
		return err
	}
	var before int64
	if err := newest.QueryRowContext(ctx).Scan(&before); err != nil {
		return err
	}
	before -= stored
	for record, c := range t {
		if c.times.rows == 0 {
			continue
		}
		if err := w.followClock(ctx, record, c.times, before); err != nil {
			return err
		}
	}
	return nil
}

// followClock takes in the rows that a batch has of a record, all of which have
// IDs above before.
func (w *writer) followClock(ctx context.Context, record string, p passage, before int64) error {
	k, known := w.clocks[record]
	if !known {
		var err error
		if k, err = w.readClock(ctx, record, before); err != nil {
			return err
		}
	}
	turned, wasBehind := k.follow(p)
	if turned {
		err := w.conn.QueryRowContext(ctx, turnedRow, record, p.start, before, p.same-1).Scan(&k.turn.from)
		if err != nil {
			return err
		}
	}
	if turned || wasBehind {
		value := fmt.Sprint(k.turn.from, k.turn.time, k.turn.until)
		if err := setMeta(ctx, w.conn, turnKey+record, value); err != nil {
			return err
		}
		w.turned.Store(true)
	}
	w.clocks[record] = k
	return nil
}

// readClock reads how the times of a record have gone up to a row.
func (w *writer) readClock(ctx context.Context, record string, before int64) (c clock, err error) {
	if !w.others && !w.names.mayHave(record) {
		return clock{last: math.MinInt64, latest: math.MinInt64}, nil
	}
	if w.turned.Load() {
		if c.turn, err = readTurn(ctx, w.conn, record); err != nil {
			return c, err
		}
	}
	newest, err := w.prepared(ctx, newestTime)
	if err != nil {
		return c, err
	}
	none := int64(math.MinInt64)
	if err := newest.QueryRowContext(ctx, record, none, before).Scan(&c.latest); err != nil {
		return c, err
	}
	if c.last = c.latest; c.turn == (turn{}) {
		return c, nil
	}
	last, err := w.prepared(ctx, lastTime)
	if err != nil {
		return c, err
	}
	return c, last.QueryRowContext(ctx, record, c.turn.from, c.turn.time, c.turn.until, before, c.latest).Scan(&c.last)
}

// readTurned finds out whether there is any turn to look for.
func (w *writer) readTurned(ctx context.Context) error {
	var some bool
	err := w.conn.QueryRowContext(ctx, anyTurn).Scan(&some)
	w.turned.Store(some)
	return err
}
