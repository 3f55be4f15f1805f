package sqlite

import (
	"encoding/binary"
	"hash/crc32"
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
