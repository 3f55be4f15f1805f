package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/rivo/uniseg"
	"golang.org/x/term"
)

// tableBatch is the number of rows that are aligned together. A long table is printed
// in parts and not kept in memory.
const tableBatch = 200

// amount is a cell that is aligned like a number, such as "3 s".
type amount string

// age is a span of time with one unit, such as "3 s".
func age(d time.Duration) amount {
	switch {
	case d < time.Second:
		return amount(fmt.Sprintf("%d ms", d.Milliseconds()))
	case d < 2*time.Minute:
		return amount(fmt.Sprintf("%d s", int64(d.Seconds())))
	case d < 2*time.Hour:
		return amount(fmt.Sprintf("%d min", int64(d.Minutes())))
	case d < 48*time.Hour:
		return amount(fmt.Sprintf("%d h", int64(d.Hours())))
	}
	return amount(fmt.Sprintf("%d d", int64(d.Hours())/24))
}

// table prints aligned columns. A part of it is never narrower than the one before.
type table struct {
	w *bufio.Writer
	layout
	// right is true for the columns of numbers; the first part decides.
	right   []bool
	pending [][]string
	// screen is the width of the terminal, 0 if there is none.
	screen int
	headed bool
}

func newTable(w *bufio.Writer, l layout, screen int) *table {
	t := &table{w: w, layout: l, screen: screen}
	t.widths = make([]int, len(l.heads))
	copy(t.widths, l.widths)
	return t
}

func (t *table) row(_ any, cells func() []any) error {
	var texts []string
	for i, cell := range cells() {
		text, number := cellText(cell)
		texts = append(texts, text)
		if !t.headed {
			t.decideSide(i, text, number)
		}
	}
	t.pending = append(t.pending, texts)
	if t.live || len(t.pending) == tableBatch {
		return t.end()
	}
	return nil
}

// decideSide keeps a column on the right as long as it has numbers only.
func (t *table) decideSide(column int, text string, number bool) {
	if len(t.right) <= column {
		t.right = append(t.right, true)
	}
	t.right[column] = t.right[column] && (number || text == "-")
}

// end prints the pending rows.
func (t *table) end() error {
	if len(t.pending) > 0 && !t.headed {
		t.headed = true
		t.pending = append([][]string{t.heads}, t.pending...)
	}
	for _, row := range t.pending {
		for i, cell := range row {
			t.widths[i] = max(t.widths[i], uniseg.StringWidth(cell))
		}
	}
	for _, row := range t.pending {
		if _, err := t.w.WriteString(t.line(row) + "\n"); err != nil {
			return err
		}
	}
	t.pending = t.pending[:0]
	return nil
}

func (t *table) line(row []string) string {
	var b strings.Builder
	for i, cell := range row {
		if i > 0 {
			b.WriteString("  ")
		}
		space := strings.Repeat(" ", t.widths[i]-uniseg.StringWidth(cell))
		if t.right[i] {
			b.WriteString(space)
		}
		b.WriteString(cell)
		if !t.right[i] {
			b.WriteString(space)
		}
	}
	return cutTo(strings.TrimRight(b.String(), " "), t.screen)
}

// cellText returns the text of a cell, and whether it is aligned to the right. What
// would move the cursor of a terminal is escaped.
func cellText(cell any) (text string, number bool) {
	switch cell.(type) {
	case int, int64, uint64, float64, amount:
		number = true
	}
	return escapeControls(fmt.Sprint(cell)), number
}

// escapeControls writes control characters as \u and four digits.
func escapeControls(s string) string {
	if strings.IndexFunc(s, unicode.IsControl) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsControl(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// cutTo cuts a line to a width if that is not 0.
func cutTo(line string, width int) string {
	if width <= 0 || uniseg.StringWidth(line) <= width {
		return line
	}
	// uniseg.Graphemes would link 0.25 MB of tables for words, sentences and lines.
	rest, used, state := line, 0, -1
	for {
		_, after, wide, next := uniseg.FirstGraphemeClusterInString(rest, state)
		if used += wide; used > width-1 {
			return line[:len(line)-len(rest)] + "…"
		}
		rest, state = after, next
	}
}

// terminalWidth returns the width of a terminal, or 0 if w is none.
func terminalWidth(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}
