package natsd

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The server indexes a block by the sequence in each record's header before it checks
// the record. Where one bit of a sequence is flipped it takes a gap of up to 2^61
// messages for real and fills it in memory: it does not start, or is killed. So
// sequences that cannot be true are corrected before it starts. If nothing else of the
// record is damaged its checksum is right again; otherwise the server skips it.

const (
	// checkedBytes bounds the size of the blocks that are checked at a start, the
	// newest first, since the server opens the others when they are read.
	checkedBytes = 256 << 20
	// plausibleGap is the greatest gap between two sequences that is not corrected.
	plausibleGap = 1 << 20
)

// The header of a record is its length, its sequence, its time and the length of its
// subject: 4, 8, 8 and 2 bytes, little endian (nats-server 2.15, filestore.go).
const (
	recordHeader  = 22
	headersFlag   = 1 << 31 // in the length
	tombstoneFlag = 1 << 62 // in the sequence
	erasedFlag    = 1 << 63
)

// correctBlocks checks the newest blocks of all streams below a directory.
func correctBlocks(dir string, log *slog.Logger) error {
	blocks, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "*", "msgs", "*.blk"))
	if err != nil {
		return fmt.Errorf("natsd: list the blocks of the log in %s: %w", dir, err)
	}
	slices.SortFunc(blocks, func(a, b string) int { return blockNumber(b) - blockNumber(a) })
	left := int64(checkedBytes)
	for _, path := range blocks {
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("natsd: check a block of the log: %w", err)
		}
		for offset, sequence := range wrongSequences(data) {
			log.Error("natsd: a sequence in a block of the log cannot be true and is corrected", "file", path, "offset", offset, "sequence", sequence)
			if err := writeSequence(path, offset, sequence); err != nil {
				return err
			}
		}
		if left -= int64(len(data)); left < 0 {
			break
		}
	}
	return nil
}

func blockNumber(path string) int {
	n, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(path), ".blk"))
	if err != nil {
		return 0 // not a block of the server
	}
	return n
}

// wrongSequences returns the offsets of the sequences in a block that cannot be true,
// with what they must have been.
func wrongSequences(data []byte) map[int64]uint64 {
	var offsets []int64
	var sequences []uint64
	for at := 0; at+recordHeader <= len(data); {
		length := int(binary.LittleEndian.Uint32(data[at:]) &^ headersFlag)
		if length < recordHeader || length > len(data)-at {
			break // the server ends here too
		}
		if sequence := binary.LittleEndian.Uint64(data[at+4:]); sequence&tombstoneFlag == 0 {
			offsets, sequences = append(offsets, int64(at+4)), append(sequences, sequence&^erasedFlag)
		}
		at += length
	}
	if len(sequences) < 2 {
		return nil
	}
	wrong := map[int64]uint64{}
	before := sequenceBefore(sequences)
	for i, sequence := range sequences {
		if sequence > before+plausibleGap || i == 0 && sequence <= before {
			sequence = before + 1
			wrong[offsets[i]] = sequence
		}
		before = max(before, sequence)
	}
	return wrong
}

// sequenceBefore returns the sequence before those of a block. Where the first two are
// far apart, the third tells which of them is wrong.
func sequenceBefore(sequences []uint64) uint64 {
	first, second := sequences[0], sequences[1]
	if second > first && second-first <= plausibleGap {
		return max(first, 1) - 1
	}
	firstWrong := second < first
	if len(sequences) > 2 {
		firstWrong = sequences[2] == second+1
	}
	if firstWrong {
		return max(second, 2) - 2
	}
	return max(first, 1) - 1
}

func writeSequence(path string, offset int64, sequence uint64) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("natsd: correct a block of the log: %w", err)
	}
	_, err = file.WriteAt(binary.LittleEndian.AppendUint64(nil, sequence), offset)
	if failed := file.Close(); err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("natsd: correct a block of the log: %w", err)
	}
	return nil
}
