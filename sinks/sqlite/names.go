package sqlite

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/aimdb-go/aimdb/records"
)

// names is the set of the records that have rows, kept so that no query has to
// look for them. A name whose rows are all pruned does no harm in it.
type names struct {
	known atomic.Pointer[nameSet]
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
		normal := records.Normalize(name)
		set.spellings[normal] = append(set.spellings[normal], name)
	}
	return set
}

// add takes in the names of rows that were just committed. Only the writer
// calls it.
func (n *names) add(t tally) {
	set := n.known.Load()
	var fresh []string
	for name := range t {
		if _, found := slices.BinarySearch(set.sorted, name); !found {
			fresh = append(fresh, name)
		}
	}
	if len(fresh) == 0 {
		return
	}
	sorted := slices.Concat(set.sorted, fresh)
	slices.Sort(sorted)
	n.known.Store(newNameSet(sorted, set.maxID))
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
	found := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		found[name] = true
	}
	if err := rows.Err(); err != nil {
		return err
	}
	n.known.Store(newNameSet(slices.Sorted(maps.Keys(found)), maxID))
	return nil
}

// matching returns the sorted names that a pattern matches.
func (s *Store) matching(ctx context.Context, p records.Pattern) ([]string, error) {
	if s.write == nil { // another process may be adding rows
		if err := s.names.refresh(ctx, s.reads); err != nil {
			return nil, s.readError("read the names of the records", err)
		}
	}
	set := s.names.known.Load()
	candidates := set.sorted
	if key, exact := p.Exact(); exact {
		candidates = set.spellings[records.Normalize(key)]
	}
	var matches []string
	for _, name := range candidates {
		if p.Match(name) {
			matches = append(matches, name)
		}
	}
	return matches, nil
}
