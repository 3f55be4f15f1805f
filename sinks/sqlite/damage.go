package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"github.com/aimdb-go/aimdb/history"
)

// finding is a row that is missing or differs from its checksum.
type finding struct {
	id  int64
	sum uint32
	// missing says that there is no such row. Otherwise record is its present name.
	missing bool
	record  string
}

// provenPage is what a part of the table was found to be, as of one moment.
type provenPage struct {
	// rows are the rows up to an ID by record, unchecked those without a checksum,
	// and bare the chunks that have such rows.
	rows      rowCounts
	unchecked map[string]int64
	bare      []int64
	// found are the damaged rows, by ID, and chunks those that have checksums.
	found  []finding
	chunks map[int64]*chunk
}

// pageChunks is the number of chunks of one read transaction.
const pageChunks = 16

// provenPages compares all rows with their checksums, page by page. It counts the rows up
// to an ID. A caller that goes on after an error of a damaged file gets the pages after it.
func (s *Store) provenPages(ctx context.Context, to int64) iter.Seq2[*provenPage, error] {
	return ofOneFile(s, func(yield func(*provenPage, error) bool) {
		end := int64(-1) // the last chunk, not known
		for number, more := int64(0), true; more; {
			page, next, err := s.provenPage(ctx, number, to)
			if err != nil {
				err = s.readError(fmt.Sprintf("compare the rows from %d on with their checksums", number*chunkRows+1), err)
				if !yield(nil, err) || !errors.Is(err, ErrCorrupt) {
					return
				}
				if end < 0 {
					end = s.lastChunk(ctx)
				}
				number += pageChunks
				more = number <= end
				continue
			}
			if more = next > number; more && !yield(page, nil) {
				return
			}
			number = next
		}
	})
}

// lastChunk returns the chunk of the last row ID, and 0 if that cannot be read.
func (s *Store) lastChunk(ctx context.Context) int64 {
	last, err := s.maxID(ctx)
	if err != nil {
		return 0
	}
	return chunkOf(max(last, 1))
}

// provenPage reads the rows of some chunks and their checksums in one transaction, so that
// rows that are stored or pruned meanwhile do not matter. It returns where the next page
// begins, and 0 if there is nothing from number on.
func (s *Store) provenPage(ctx context.Context, number, to int64) (p *provenPage, next int64, err error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	tx, err := s.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if ended := tx.Rollback(); !errors.Is(ended, sql.ErrTxDone) {
			err = errors.Join(err, ended)
		}
	}()
	number, some, err := s.nextChunk(ctx, tx, number)
	if err != nil || !some {
		return nil, 0, err
	}
	p = &provenPage{rows: rowCounts{}, unchecked: map[string]int64{}, chunks: map[int64]*chunk{}}
	next = number + pageChunks
	if s.version >= provenSince {
		if err := p.readChunks(ctx, tx, number, next-1); err != nil {
			return nil, 0, err
		}
	}
	return p, next, p.readRows(ctx, tx, number, next, to)
}

// nextChunk returns the first chunk from a number on that has rows or checksums.
func (s *Store) nextChunk(ctx context.Context, tx *sql.Tx, number int64) (int64, bool, error) {
	text := "SELECT (min(id) - 1) / ?2 AS n FROM record_history WHERE id > ?1 * ?2"
	if s.version >= provenSince {
		text = "SELECT min(n) FROM (" + text + " UNION ALL SELECT min(chunk) FROM aimdb_checksum WHERE chunk >= ?1)"
	}
	var found sql.NullInt64
	err := tx.QueryRowContext(ctx, text, number, chunkRows).Scan(&found)
	return found.Int64, found.Valid, err
}

func (p *provenPage) readChunks(ctx context.Context, tx *sql.Tx, from, to int64) error {
	rows, err := tx.QueryContext(ctx, chunkText, from, to)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		c, err := scanChunk(rows)
		if err != nil {
			return err
		}
		p.chunks[c.number] = c
	}
	return rows.Err()
}

// readRows compares the rows of the chunks from one number to before another.
func (p *provenPage) readRows(ctx context.Context, tx *sql.Tx, from, next, to int64) error {
	rows, err := tx.QueryContext(ctx, "SELECT id, record_name, stored_at, value_json FROM record_history WHERE id BETWEEN ? AND ? ORDER BY id", from*chunkRows+1, next*chunkRows)
	if err != nil {
		return err
	}
	defer rows.Close()
	var r storedRow
	at := from*chunkRows + 1
	for rows.Next() {
		if err := r.scan(rows); err != nil {
			return err
		}
		if r.id < at { // out of order, which the check of the structure has found
			continue
		}
		p.skip(at, r.id)
		p.compare(&r, to)
		at = r.id + 1
	}
	p.skip(at, next*chunkRows+1)
	return rows.Err()
}

// skip notes the rows from one ID to before another as missing, if they have checksums.
func (p *provenPage) skip(from, to int64) {
	for from < to {
		c, next := p.chunks[chunkOf(from)], min(to, (chunkOf(from)+1)*chunkRows+1)
		for ; c != nil && !c.damaged && from < next; from++ {
			if sum := c.get(from); sum != 0 {
				p.found = append(p.found, finding{id: from, sum: sum, missing: true})
			}
		}
		from = next
	}
}

func (p *provenPage) compare(r *storedRow, to int64) {
	if r.id <= to {
		p.rows.add(r.record, 1, int64(len(r.value)))
	}
	number := chunkOf(r.id)
	c, want := p.chunks[number], uint32(0)
	if c != nil {
		want = c.get(r.id)
	}
	right := want != 0 && want == r.sum()
	switch {
	case right:
	case want == 0 || c.damaged:
		if r.id <= to {
			p.unchecked[r.record]++
		}
		if n := len(p.bare); n == 0 || p.bare[n-1] != number {
			p.bare = append(p.bare, number)
		}
	default:
		p.found = append(p.found, finding{id: r.id, sum: want, record: r.record})
	}
}

// damagedRows merges findings into ranges.
func damagedRows(all []history.DamagedRows, found []finding) []history.DamagedRows {
	for _, f := range found {
		if n := len(all); n > 0 && all[n-1].To+1 == f.id && all[n-1].Missing == f.missing && all[n-1].Record == f.record {
			all[n-1].To = f.id
			continue
		}
		all = append(all, history.DamagedRows{From: f.id, To: f.id, Missing: f.missing, Record: f.record})
	}
	return all
}
