package sqlite

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"slices"

	"github.com/aimdb-go/aimdb/sinks"
)

// The table aimdb_checksum has a checksum of each row that this program has stored, so
// that a row that vanishes or changes is noticed. The rows of chunkRows consecutive IDs
// share one row of it. It is written and pruned in the transactions that store and
// prune the rows. A chunk also has the range of the log that its rows came from, where
// a damaged row can be found again by its checksum.

const (
	// chunkRows is the number of IDs of a chunk. Two full chunks fit into one page.
	chunkRows = 480
	// sumBytes is the size of the checksum of one row.
	sumBytes = 4
)

// chunk is one row of aimdb_checksum.
type chunk struct {
	number int64
	// sums are the checksums by ID, from the first ID on; 0 is none. Zeros at the end
	// are left out.
	sums []byte
	// log, from and to are the log and the sequences that the rows came from. Rows
	// that were imported count for nothing here; of two logs it is the later one. from
	// is 0 if there is none.
	log      string
	from, to uint64
	// damaged says that the chunk itself is not what was stored.
	damaged bool
}

// chunkOf returns the number of the chunk that has an ID.
func chunkOf(id int64) int64 { return (id - 1) / chunkRows }

func (c *chunk) first() int64 { return c.number*chunkRows + 1 }
func (c *chunk) last() int64  { return (c.number + 1) * chunkRows }

// get returns the checksum of a row, and 0 if it has none.
func (c *chunk) get(id int64) uint32 {
	at := (id - c.first()) * sumBytes
	if at < 0 || at+sumBytes > int64(len(c.sums)) {
		return 0
	}
	return binary.LittleEndian.Uint32(c.sums[at:])
}

func (c *chunk) set(id int64, sum uint32) {
	at := int(id-c.first()) * sumBytes
	if missing := at + sumBytes - len(c.sums); missing > 0 {
		if sum == 0 {
			return
		}
		c.sums = append(c.sums, make([]byte, missing)...)
	}
	binary.LittleEndian.PutUint32(c.sums[at:], sum)
}

// trim drops the zeros at the end.
func (c *chunk) trim() {
	for n := len(c.sums); n >= sumBytes && binary.LittleEndian.Uint32(c.sums[n-sumBytes:]) == 0; n = len(c.sums) {
		c.sums = c.sums[:n-sumBytes]
	}
}

// extend notes that a row of the chunk came from a log.
func (c *chunk) extend(log string, sequence uint64) {
	if c.from == 0 || c.log != log {
		c.log, c.from, c.to = log, sequence, sequence
		return
	}
	c.from, c.to = min(c.from, sequence), max(c.to, sequence)
}

// checksum returns the checksum of the chunk itself.
func (c *chunk) checksum() int64 {
	head := binary.LittleEndian.AppendUint64(make([]byte, 0, 64), uint64(c.number))
	head = binary.LittleEndian.AppendUint64(head, c.from)
	head = binary.LittleEndian.AppendUint64(head, c.to)
	sum := crc32.Update(crc32.ChecksumIEEE(append(head, c.log...)), crc32.IEEETable, c.sums)
	if c.damaged {
		sum = ^sum // it stays damaged until it is made again
	}
	return int64(sum)
}

// rowSum computes the checksum of a row, which is never 0. It returns the buffer that
// it used.
func rowSum[V string | []byte](buffer []byte, record string, ms int64, value V) ([]byte, uint32) {
	buffer = binary.AppendUvarint(buffer[:0], uint64(len(record)))
	buffer = append(buffer, record...)
	buffer = binary.LittleEndian.AppendUint64(buffer, uint64(ms))
	buffer = append(buffer, value...)
	return buffer, max(crc32.ChecksumIEEE(buffer), 1)
}

// chunkColumns converts what may be damaged to the types that it should have.
const (
	chunkColumns = "CAST(coalesce(sums, '') AS BLOB), CAST(coalesce(log, '') AS TEXT), CAST(coalesce(from_seq, 0) AS INTEGER), CAST(coalesce(to_seq, 0) AS INTEGER), CAST(coalesce(sum, 0) AS INTEGER)"
	chunkText    = "SELECT chunk, " + chunkColumns + " FROM aimdb_checksum WHERE chunk BETWEEN ?1 AND ?2 ORDER BY chunk"
)

// scanChunk reads a chunk from the columns of chunkText.
func scanChunk(row interface{ Scan(into ...any) error }) (*chunk, error) {
	c := &chunk{}
	var from, to, sum int64
	if err := row.Scan(&c.number, &c.sums, &c.log, &from, &to, &sum); err != nil {
		return nil, err
	}
	c.from, c.to = uint64(from), uint64(to)
	if c.damaged = c.checksum() != sum; c.damaged {
		c.sums = c.sums[:min(len(c.sums)/sumBytes, chunkRows)*sumBytes]
	}
	return c, nil
}

// readChunk returns a chunk, an empty one if there is none.
func (w *writer) readChunk(ctx context.Context, number int64) (*chunk, error) {
	statement, err := w.prepared(ctx, chunkText)
	if err != nil {
		return nil, err
	}
	rows, err := statement.QueryContext(ctx, number, number)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if !rows.Next() {
		return &chunk{number: number}, rows.Err()
	}
	return scanChunk(rows)
}

// writeChunks is part of the transaction that changes the rows of chunks.
func (w *writer) writeChunks(ctx context.Context, chunks ...*chunk) error {
	args := make([]any, 0, len(chunks)*w.setChunks.columns)
	for _, c := range chunks {
		if c.trim(); len(c.sums) == 0 && !c.damaged {
			if _, err := w.exec(ctx, deleteChunks, c.number, c.number); err != nil {
				return err
			}
			continue
		}
		args = append(args, c.number, c.sums, c.log, int64(c.from), int64(c.to), c.checksum())
	}
	return w.execChunks(ctx, &w.setChunks, args)
}

const (
	setChunks    = "INSERT OR REPLACE INTO aimdb_checksum(chunk, sums, log, from_seq, to_seq, sum) VALUES "
	deleteChunks = "DELETE FROM aimdb_checksum WHERE chunk BETWEEN ? AND ?"
)

// addSums is part of the transaction that has just stored entries with consecutive IDs.
// log is empty for entries that came from none.
func (w *writer) addSums(ctx context.Context, firstID int64, entries []sinks.Entry, log string) error {
	var chunks []*chunk
	for len(entries) > 0 {
		c := &chunk{number: chunkOf(firstID)}
		if firstID > c.first() { // otherwise there is none, as IDs are not used twice
			var err error
			if c, err = w.readChunk(ctx, c.number); err != nil {
				return err
			}
		}
		n := min(len(entries), int(c.last()-firstID)+1)
		c.sums = slices.Grow(c.sums, n*sumBytes)
		for i, e := range entries[:n] {
			var sum uint32
			w.summed, sum = rowSum(w.summed, e.Record, e.Time, e.Value)
			c.set(firstID+int64(i), sum)
			if log != "" {
				c.extend(log, e.Sequence)
			}
		}
		chunks = append(chunks, c)
		entries, firstID = entries[n:], firstID+int64(n)
	}
	return w.writeChunks(ctx, chunks...)
}

// dropSums is part of the transaction that has just deleted rows on purpose.
func (w *writer) dropSums(ctx context.Context, ids []int64) error {
	if !slices.IsSorted(ids) {
		ids = slices.Sorted(slices.Values(ids))
	}
	whole := [2]int64{0, -1} // a range of chunks of which every row was deleted
	deleteWhole := func() error {
		if whole[0] > whole[1] {
			return nil
		}
		_, err := w.exec(ctx, deleteChunks, whole[0], whole[1])
		return err
	}
	for len(ids) > 0 {
		number := chunkOf(ids[0])
		n, _ := slices.BinarySearch(ids, (number+1)*chunkRows+1)
		part := ids[:n]
		ids = ids[n:]
		if n < chunkRows {
			if err := w.zeroSums(ctx, number, part); err != nil {
				return err
			}
			continue
		}
		if number != whole[1]+1 {
			if err := deleteWhole(); err != nil {
				return err
			}
			whole[0] = number
		}
		whole[1] = number
	}
	return deleteWhole()
}

func (w *writer) zeroSums(ctx context.Context, number int64, ids []int64) error {
	c, err := w.readChunk(ctx, number)
	if err != nil {
		return err
	}
	changed := false
	for _, id := range ids {
		if c.get(id) != 0 {
			c.set(id, 0)
			changed = true
		}
	}
	if !changed {
		return nil
	}
	return w.writeChunks(ctx, c)
}
