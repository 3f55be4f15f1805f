package weather

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxLine bounds a line in bytes. A line of an archive has about 200.
const maxLine = 1 << 20

// lines reads comma-separated values with a header line and no quoted fields.
// Each line is parsed alone, so that a malformed line cannot affect the next.
type lines struct {
	file    string
	scanner *bufio.Scanner
	header  []string
	number  int
	fields  []string
}

// newLines reads the header, which must start with the wanted columns.
func newLines(file string, r io.Reader, want ...string) (*lines, error) {
	l := &lines{file: file, scanner: bufio.NewScanner(r)}
	l.scanner.Buffer(make([]byte, 0, 64<<10), maxLine)
	if !l.next() {
		if err := l.err(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s is empty: it needs a header line %q", file, strings.Join(want, ","))
	}
	l.header = slices.Clone(l.fields)
	if len(l.header) < len(want) || !slices.Equal(l.header[:len(want)], want) {
		return nil, fmt.Errorf("%s, line %d: the header is %.80q and must start with %q", file, l.number, strings.Join(l.header, ","), strings.Join(want, ","))
	}
	return l, nil
}

// next reads the next line that is not blank. It returns false at the end.
func (l *lines) next() bool {
	for l.scanner.Scan() {
		l.number++
		text := strings.TrimSpace(strings.TrimPrefix(l.scanner.Text(), "\ufeff"))
		if text != "" {
			l.fields = strings.Split(text, ",")
			return true
		}
	}
	return false
}

// err returns the error that ended reading, or nil at the end of the file.
func (l *lines) err() error {
	if err := l.scanner.Err(); err != nil {
		return fmt.Errorf("reading %s after line %d: %w", l.file, l.number, err)
	}
	return nil
}

// complete returns an error unless the line has a field for each column.
func (l *lines) complete() error {
	if len(l.fields) != len(l.header) {
		return fmt.Errorf("%d fields instead of %d", len(l.fields), len(l.header))
	}
	return nil
}

// parseTime parses RFC 3339, or the date of daily data as its midnight UTC.
func parseTime(field string) (time.Time, error) {
	layout := time.RFC3339
	if len(field) == len(time.DateOnly) {
		layout = time.DateOnly
	}
	t, err := time.Parse(layout, field)
	if err != nil {
		return time.Time{}, fmt.Errorf("time %.40q is neither RFC 3339 nor a date", field)
	}
	return t.UTC(), nil
}

// parseCity accepts a name that can be a segment of a record's key.
func parseCity(field string) (string, error) {
	ok := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '-'
	}
	if field == "" || len(field) > 64 || strings.ContainsFunc(field, func(r rune) bool { return !ok(r) }) {
		return "", fmt.Errorf("city %.80q is not 1 to 64 of a-z, 0-9, _ and -", field)
	}
	return field, nil
}

// parseCelsius accepts a possible temperature of air on Earth.
func parseCelsius(field string) (float64, error) {
	v, err := strconv.ParseFloat(field, 64)
	if err != nil {
		return 0, fmt.Errorf("temperature %.40q is not a number", field)
	}
	if math.IsNaN(v) || v < -100 || v > 70 {
		return 0, fmt.Errorf("temperature %.40q is not between -100 and 70 °C", field)
	}
	return v, nil
}
