package ndjson

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/aimdb-go/aimdb/history"
)

// head is what the skippable frame of a block says. All but Data, Sum and Added is the
// state of the sink after the batch.
type head struct {
	Position history.Position `json:"position"`
	File     facts            `json:"file"`
	// Data is the length of the frame with the lines, which follows, and Sum its
	// checksum.
	Data int64  `json:"data"`
	Sum  uint32 `json:"sum"`
	// Added is the number of rows in the block.
	Added int64 `json:"added"`
	// Losses and DeadLetters are the lengths of these files.
	Losses      int64 `json:"losses"`
	DeadLetters int64 `json:"dead_letters"`
}

// facts are what is known of the rows of one file.
type facts struct {
	// Opened is when the file was made.
	Opened        int64  `json:"opened"`
	Rows          int64  `json:"rows"`
	FirstSequence uint64 `json:"first_sequence"`
	LastSequence  uint64 `json:"last_sequence"`
	FirstTime     int64  `json:"first_time"`
	LastTime      int64  `json:"last_time"`
}

const (
	// frameMagic begins a skippable frame, whose length follows in four bytes.
	frameMagic = "\x50\x2a\x4d\x18"
	// headMagic begins the content of the frame, and has the version of the format.
	headMagic  = "aimdb1 "
	sumDigits  = 8
	frameStart = len(frameMagic) + 4
	headStart  = len(headMagic) + sumDigits + 1
	// maxHead bounds the content of the frame.
	maxHead = 64 << 10
)

// checksum is a CRC-32C.
func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// frame returns the skippable frame of a head.
func (h head) frame() ([]byte, error) {
	body, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	if len(body)+headStart > maxHead {
		return nil, fmt.Errorf("the name of the log has %d bytes, which no checkpoint can carry", len(h.Position.Log))
	}
	out := binary.LittleEndian.AppendUint32([]byte(frameMagic), uint32(headStart+len(body)))
	out = fmt.Appendf(out, "%s%0*x ", headMagic, sumDigits, checksum(body))
	return append(out, body...), nil
}

// headLength reads the start of a frame and returns the length of its content.
func headLength(start []byte) (n int, ok bool) {
	if len(start) < frameStart || string(start[:len(frameMagic)]) != frameMagic {
		return 0, false
	}
	size := binary.LittleEndian.Uint32(start[len(frameMagic):])
	return int(size), size >= uint32(headStart) && size <= maxHead
}

// parseHead reads the content of a skippable frame.
func parseHead(content []byte) (h head, ok bool) {
	rest, found := strings.CutPrefix(string(content), headMagic)
	if !found || len(rest) <= sumDigits || rest[sumDigits] != ' ' {
		return head{}, false
	}
	sum, err := strconv.ParseUint(rest[:sumDigits], 16, 32)
	body := []byte(rest[sumDigits+1:])
	if err != nil || uint32(sum) != checksum(body) || json.Unmarshal(body, &h) != nil {
		return head{}, false
	}
	return h, h.Data >= 0 && h.Added >= 0 && h.Losses >= 0 && h.DeadLetters >= 0 && h.File.Rows >= h.Added
}
