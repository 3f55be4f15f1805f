package gateway

import (
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// mostNotes bounds a page of losses or dead letters, and defaultNotes is without a limit.
const mostNotes, defaultNotes = 1000, 200

// notePage says which part of the ledgers of the sinks is one page.
type notePage struct {
	sink  string // only this one, if it is not empty
	limit int
	bytes int
	from  noteCursor
}

// noteCursor is a place in the ledgers: a sink, and a number of what comes before it there.
// The zero value is the beginning.
type noteCursor struct {
	sink  string
	after int64
}

func (c noteCursor) String() string { return fmt.Sprintf("%d:%s", c.after, c.sink) }

// parseNotePage parses the parameters of a list.
func (s *session) parseNotePage(method string, params []byte) (p notePage, refused *refusal) {
	var asked wire.ListParams
	if refused := parseParams(method, params, &asked); refused != nil {
		return p, refused
	}
	p = notePage{sink: asked.Sink, bytes: s.pageBytes()}
	if p.limit, refused = limited(asked.Limit, defaultNotes, mostNotes); refused != nil || asked.Cursor == "" {
		return p, refused
	}
	number, sink, found := strings.Cut(asked.Cursor, ":")
	after, err := strconv.ParseInt(number, 10, 64)
	if !found || err != nil || after < 0 || asked.Sink != "" && asked.Sink != sink {
		return p, refuse(aimx.CodeInternal, "the cursor %q is not of this list; use next of the page before, with the same sink", asked.Cursor)
	}
	p.from = noteCursor{sink, after}
	return p, nil
}

// ledgers returns those of the page, in their order.
func (s *session) ledgers(p notePage) ([]Ledger, *refusal) {
	var all []Ledger
	if list := s.server.config.Upkeep.Ledgers; list != nil {
		all = list()
	}
	if p.sink != "" {
		l, refused := ledgerOf(all, p.sink)
		return []Ledger{l}, refused
	}
	if p.from.sink == "" {
		return all, nil
	}
	for i, l := range all {
		if l.Sink == p.from.sink {
			return all[i:], nil
		}
	}
	return nil, refuse(aimx.CodeInternal, "the cursor is about sink %q, which there is not any more; begin with the first page", p.from.sink)
}

func ledgerOf(all []Ledger, sink string) (Ledger, *refusal) {
	for _, l := range all {
		if l.Sink == sink {
			return l, nil
		}
	}
	return Ledger{}, refuse(aimx.CodeNotFound, "there is no sink %q with a ledger; sink.list has all sinks", sink)
}

// collect calls take with the notes of the page until there are enough, and returns where
// the next page begins, "" after the last. number is the place of a note in its ledger,
// which take returns the size of.
func collect[T any](p notePage, all []Ledger, notes func(Ledger) iter.Seq2[T, error], number func(n int64, one T) int64, take func(sink string, one T) int) (next string, err error) {
	taken := 0
	at := p.from
	for _, l := range all {
		if l.Sink != at.sink {
			at = noteCursor{sink: l.Sink}
		}
		n := int64(0)
		for one, err := range notes(l) {
			if err != nil {
				return "", err
			}
			n++
			place := number(n, one)
			if place <= at.after {
				continue
			}
			if taken == p.limit || p.bytes <= 0 {
				return at.String(), nil
			}
			p.bytes -= take(l.Sink, one)
			taken++
			at.after = place
		}
	}
	return "", nil
}
