package sqlite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb/history"
)

var _ history.Verifier = (*Store)(nil)

// Verify implements history.Verifier. Rows are read in pages. The check of the structure is
// one read transaction, without a deadline but that of the context. That something cannot be
// read because the file is damaged is a problem that it returns, and it goes on with the rest.
func (s *Store) Verify(ctx context.Context) (v history.Verification, err error) {
	v = history.Verification{Records: []history.VerifiedRecord{}, Damaged: []history.DamagedRows{}, Holes: []history.Hole{}}
	if v.Problems, err = integrity(ctx, s.readers); err != nil {
		return v, s.readError("check the structure", err)
	}
	position, _, wrong, err := s.checkpoints(ctx)
	if err = s.problem(&v, s.readError("read the checkpoint", err)); err != nil {
		return v, err
	}
	if v.Position = position; wrong != "" {
		v.Problems = append(v.Problems, wrong)
	}
	if err := s.verifyRows(ctx, &v); err != nil {
		return v, err
	}
	for hole, err := range s.Holes(ctx) {
		if err = s.problem(&v, err); err != nil {
			return v, err
		}
		if hole.Record != "" {
			v.Holes = append(v.Holes, hole)
		}
	}
	return v, nil
}

// problem makes an error of a damaged file a problem, and returns every other error.
func (s *Store) problem(v *history.Verification, err error) error {
	if !isDamage(err) {
		return err
	}
	if len(v.Problems) < 2*maxProblems {
		v.Problems = append(v.Problems, err.Error())
	}
	return nil
}

// isDamage reports whether an error says that something in the file is not what was stored.
// Such a value may have a type that its column never has.
func isDamage(err error) bool {
	return errors.Is(err, ErrCorrupt) || err != nil && strings.Contains(err.Error(), "sql: Scan error")
}

// verifyRows compares rows with their checksums, and the counts of the records with the
// rows if it could read both.
func (s *Store) verifyRows(ctx context.Context, v *history.Verification) error {
	kept, to, err := s.countsToCompare(ctx)
	if isDamage(err) {
		kept, to = nil, math.MaxInt64
	}
	if err = s.problem(v, err); err != nil {
		return err
	}
	found, unchecked := rowCounts{}, map[string]int64{}
	for page, err := range s.provenPages(ctx, to) {
		if err != nil {
			kept = nil
			if err = s.problem(v, err); err != nil {
				return err
			}
			continue
		}
		v.Damaged = damagedRows(v.Damaged, page.found)
		v.Problems = append(v.Problems, page.problems()...)
		for record, c := range page.rows {
			found.add(record, c.rows, c.bytes)
			unchecked[record] += page.unchecked[record]
		}
	}
	for _, record := range found.records() {
		v.Records = append(v.Records, history.VerifiedRecord{Record: record, Rows: found[record].rows, Unchecked: unchecked[record]})
	}
	if kept == nil {
		return nil
	}
	off, err := s.countsOff(ctx, kept, found)
	v.Problems = append(v.Problems, off.sentences()...)
	return s.problem(v, err)
}

// countsToCompare returns the counts of the records and the ID up to which they are
// complete. If they are not, it returns no counts and the last ID.
func (s *Store) countsToCompare(ctx context.Context) (kept rowCounts, to int64, err error) {
	counted, err := s.isCounted(ctx)
	if err != nil {
		return nil, 0, err
	}
	if counted {
		return s.readCounts(ctx)
	}
	to, err = s.maxID(ctx)
	return nil, to, err
}

// problems says which checksums are damaged themselves.
func (p *provenPage) problems() (all []string) {
	for _, number := range slices.Sorted(maps.Keys(p.chunks)) {
		if c := p.chunks[number]; c.damaged {
			all = append(all, fmt.Sprintf("the checksums of the rows %d to %d are damaged", c.first(), c.last()))
		}
	}
	return all
}
