package sqlite

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/aimdb-go/aimdb/key"
)

// names is the set of the records that have rows, kept so that no query has to
// look for them. A name whose rows are all pruned does no harm in it.
type names struct {
	known atomic.Pointer[nameSet]
	// stale says that somebody else has added rows, of new records perhaps.
	stale atomic.Bool
}

// nameSet is never changed, only replaced.
type nameSet struct {
	sorted []string
	// spellings holds the names of the same segments.
	spellings map[string][]string
	// maxID is the greatest row ID when the set was read.
	maxID int64
}

func newNameSet(sorted []string, maxID int64) *nameSet {
	set := &nameSet{sorted: sorted, spellings: make(map[string][]string, len(sorted)), maxID: maxID}
	for _, name := range sorted {
		normal := key.Normalize(name)
		set.spellings[normal] = append(set.spellings[normal], name)
	}
	return set
}

// learn takes in what the writer has just committed and heard.
func (n *names) learn(w *writer, fresh []string) {
	if len(fresh) > 0 {
		n.add(fresh, -1)
	}
	if w.others {
		w.others = false
		n.stale.Store(true)
	}
}

// unknown returns the records of groups that are not in the set.
func (n *names) unknown(groups []recordGroup) (fresh []string) {
	var known []string
	if set := n.known.Load(); set != nil {
		known = set.sorted
	}
	for _, g := range groups {
		if _, have := slices.BinarySearch(known, g.record); !have {
			fresh = append(fresh, g.record)
		}
	}
	return fresh
}

// add takes in names. A maxID below 0 is not known.
func (n *names) add(found []string, maxID int64) {
	for {
		old := n.known.Load()
		var known []string
		last := maxID
		if old != nil {
			known, last = old.sorted, max(old.maxID, maxID)
		}
		fresh := slices.DeleteFunc(slices.Clone(found), func(name string) bool {
			_, have := slices.BinarySearch(known, name)
			return have
		})
		if old != nil && len(fresh) == 0 && last == old.maxID {
			return
		}
		sorted := slices.Concat(known, fresh)
		slices.Sort(sorted)
		if n.known.CompareAndSwap(old, newNameSet(sorted, last)) {
			return
		}
	}
}

// refresh reads the names from the file by skipping through the index from one
// to the next.
func (n *names) refresh(ctx context.Context, r reads) error {
	var maxID int64
	if err := r.maxID.QueryRowContext(ctx).Scan(&maxID); err != nil {
		return err
	}
	if set := n.known.Load(); set != nil && set.maxID == maxID {
		return nil // no row was added since
	}
	rows, err := r.allNames.QueryContext(ctx)
	if err != nil {
		return err
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		found = append(found, name)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	n.add(found, maxID)
	return nil
}

// refreshNames looks for the names of rows that others have added.
func (s *Store) refreshNames(ctx context.Context) error {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	s.names.stale.Store(false)
	err := s.names.refresh(ctx, s.reads)
	if err != nil {
		s.names.stale.Store(true)
	}
	return s.readError("read the names of the records", err)
}

// matching returns the sorted names that a pattern matches.
func (s *Store) matching(ctx context.Context, p key.Pattern) ([]string, error) {
	// Where nothing is written here, another process may be adding rows.
	if s.write == nil || s.names.stale.Load() {
		if err := s.refreshNames(ctx); err != nil {
			return nil, err
		}
	}
	set := s.names.known.Load()
	candidates := set.sorted
	if name, exact := p.Exact(); exact {
		candidates = set.spellings[key.Normalize(name)]
	}
	var matches []string
	for _, name := range candidates {
		if p.Match(name) {
			matches = append(matches, name)
		}
	}
	return matches, nil
}
