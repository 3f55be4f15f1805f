package parquet

import (
	"crypto/sha256"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/aimdb-go/aimdb/sinks"
)

const (
	// maxName bounds the escaped form of a key, as file systems bound names to 255 bytes.
	maxName = 240
	// cutName of an escaped form are kept if it is longer.
	cutName   = 200
	msPerDay  = 24 * 60 * 60 * 1000
	recordDir = "record="
	dayDir    = "day="
)

// Escape returns a key as it is in the name of a directory.
func Escape(key string) string {
	var out strings.Builder
	for i := range len(key) {
		switch c := key[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
			out.WriteByte(c)
		default:
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	if out.Len() <= maxName {
		return out.String()
	}
	return fmt.Sprintf("%s~%x", out.String()[:cutName], sha256.Sum256([]byte(key)))[:maxName]
}

// Unescape returns the key of what [Escape] returned. It is not ok if the name was cut.
func Unescape(name string) (key string, ok bool) {
	if strings.Contains(name, "~") {
		return "", false
	}
	key, err := url.PathUnescape(name)
	return key, err == nil
}

// partition is what the rows of a file have in common.
type partition struct {
	record string
	// day counts from 1970-01-01.
	day int64
}

func partitionOf(e sinks.Entry) partition {
	day := e.Time / msPerDay
	if e.Time%msPerDay < 0 {
		day--
	}
	return partition{e.Record, day}
}

func (p partition) compare(q partition) int {
	if c := strings.Compare(p.record, q.record); c != 0 {
		return c
	}
	return int(min(1, max(-1, p.day-q.day)))
}

// dir is the directory of the partition, with slashes.
func (p partition) dir() string {
	day := time.UnixMilli(p.day * msPerDay).UTC().Format(time.DateOnly)
	return path.Join(recordDir+Escape(p.record), dayDir+day)
}
