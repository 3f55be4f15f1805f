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
	newestTime  = "SELECT coalesce(max(stored_at), ?2) FROM record_history WHERE record_name = ?1 AND +id < ?3"
	behindTurn  = "+id >= ?2 AND stored_at BETWEEN ?3 AND ?4"
	lastTime    = "SELECT coalesce(max(stored_at), ?6) FROM record_history WHERE record_name = ?1 AND +id < ?5 AND " + behindTurn
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
// Places count back from the end of the batch, whose last row has the place -1.
type passage struct {
	place       int64 // of the first row; 0 is no row
	first, last int64
	latest      int64
	turn        int64 // place of the last row earlier than the one before it
	turnTime    int64
}

func (p *passage) add(place, ms int64) {
	if p.place == 0 {
		*p = passage{place: place, first: ms, last: ms, latest: ms}
		return
	}
	if ms < p.last {
		p.turn, p.turnTime = place, ms
	}
	p.last, p.latest = ms, max(p.latest, ms)
}

// clock is how the times of a record have gone so far.
type clock struct {
	turn         turn
	last, latest int64
}

func (c clock) behind() bool { return c.last < c.latest }

// follow takes a passage in, which begins behind the row IDs up to end, and says
// whether the turn has to be written down.
func (c *clock) follow(p passage, end int64) bool {
	if p.turn == 0 && p.first < c.last {
		p.turn, p.turnTime = p.place, p.first
	}
	note := p.turn != 0 || c.behind()
	if p.turn != 0 {
		c.turn.from, c.turn.time = end+p.turn, p.turnTime
	}
	c.last, c.latest = p.last, max(c.latest, p.latest)
	if c.turn.until = math.MaxInt64; c.behind() {
		c.turn.until = c.last
	}
	return note
}

// noteTurns is part of the transaction that has just stored the rows of a tally.
func (w *writer) noteTurns(ctx context.Context, t tally) error {
	end := int64(0)
	for record, c := range t {
		if c.times.place == 0 {
			continue
		}
		if end == 0 {
			next, err := w.prepared(ctx, "SELECT max(id) + 1 FROM record_history")
			if err == nil {
				err = next.QueryRowContext(ctx).Scan(&end)
			}
			if err != nil {
				return err
			}
		}
		k, known := w.clocks[record]
		if !known {
			var err error
			if k, err = w.readClock(ctx, record, end+c.times.place); err != nil {
				return err
			}
		}
		if k.follow(c.times, end) {
			value := fmt.Sprint(k.turn.from, k.turn.time, k.turn.until)
			if err := setMeta(ctx, w.conn, turnKey+record, value); err != nil {
				return err
			}
			w.turned.Store(true)
		}
		w.clocks[record] = k
	}
	return nil
}

// readClock reads how the times of a record have gone before a row.
func (w *writer) readClock(ctx context.Context, record string, before int64) (c clock, err error) {
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
