package ndjson

import (
	"encoding/json"
	"errors"
	"os"

	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
)

const (
	lossesName      = "losses.ndjson"
	deadLettersName = "dead_letters.ndjson"
)

// DeadLetter is a line of dead_letters.ndjson: a value that was refused for good.
type DeadLetter struct {
	Sequence uint64 `json:"sequence"`
	Record   string `json:"record"`
	Run      uint64 `json:"run,omitempty"`
	Number   uint64 `json:"number,omitempty"`
	Time     int64  `json:"time"`
	Reason   string `json:"reason"`
	Shape    int    `json:"shape,omitempty"`
	// Value is in base64, since it may be no JSON.
	Value []byte `json:"value_base64"`
}

func lossLines(losses []loss.Loss) (all []any) {
	for _, l := range losses {
		all = append(all, l)
	}
	return all
}

func letterLines(refused []sinks.Refusal) (all []any) {
	for _, r := range refused {
		e := r.Entry
		all = append(all, DeadLetter{e.Sequence, e.Record, e.Run, e.Number, e.Time, r.Reason, e.Shape, e.Value})
	}
	return all
}

// appendLines writes lines at a length of a file and syncs them. It returns the new
// length, which the next block records: until then the lines do not count.
func (s *Sink) appendLines(name string, length int64, lines []any) (int64, error) {
	if len(lines) == 0 {
		return length, nil
	}
	var out []byte
	for _, line := range lines {
		text, err := json.Marshal(line)
		if err != nil {
			return 0, err
		}
		out = append(append(out, text...), '\n')
	}
	f, err := os.OpenFile(s.path(name), os.O_RDWR|os.O_CREATE, privateFile)
	if err != nil {
		return 0, err
	}
	err = f.Truncate(length) // lines of a batch that was not stored
	if err == nil {
		_, err = f.WriteAt(out, length)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil && length == 0 {
		err = syncDir(s.dir)
	}
	return length + int64(len(out)), err
}

// cutLines cuts a file to the length that the last block records. It returns the
// length of a file that is shorter.
func (s *Sink) cutLines(name string, length int64) (int64, error) {
	info, err := os.Stat(s.path(name))
	switch {
	case errors.Is(err, os.ErrNotExist) && length == 0:
		return 0, nil
	case errors.Is(err, os.ErrNotExist):
		s.logger.Error("lines of the ndjson sink are missing: the file is gone", "file", s.path(name), "bytes", length)
		return 0, nil
	case err != nil:
		return 0, err
	case info.Size() > length:
		return length, os.Truncate(s.path(name), length)
	case info.Size() < length:
		s.logger.Error("lines of the ndjson sink are missing: the file is shorter than it was", "file", s.path(name), "bytes", length-info.Size())
	}
	return info.Size(), nil
}
