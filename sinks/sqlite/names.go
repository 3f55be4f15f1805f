package sqlite

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/aimdb-go/aimdb/key"
)

// names is the set of the records that have rows, so that queries need not look
// for them. It may have names whose rows are all pruned.
type names struct {
	known atomic.Pointer[nameSet]
	// last is the greatest row ID up to which all names are known. An ID above it
	// means that another process has added rows, of new records perhaps.
	last atomic.Int64
}

// nameSet is never changed, only replaced.
type nameSet struct {
	sorted []string
	// spellings holds the names of the same segments.
	spellings map[string][]string
}

func newNameSet(sorted []string) *nameSet {
	set := &nameSet{sorted: sorted, spellings: make(map[string][]string, len(sorted))}
	for _, name := range sorted {
		normal := key.Normalize(name)
		set.spellings[normal] = append(set.spellings[normal], name)
	}
	return set
}

// learn adds the records of rows that are about to be committed with IDs above
// before and up to last.
func (n *names) learn(fresh []string, before, last int64) {
	if len(fresh) > 0 {
		n.add(fresh)
	}
	n.last.CompareAndSwap(before, last) // unless other processes have added rows before
}

// unknown returns the records of groups that are not in the set.
func (n *names) unknown(groups []recordGroup) (fresh []string) {
	known := n.known.Load().sorted
	for _, g := range groups {
		if _, have := slices.BinarySearch(known, g.record); !have {
			fresh = append(fresh, g.record)
		}
	}
	return fresh
}

// add adds names.
func (n *names) add(found []string) {
	for {
		old := n.known.Load()
		fresh := slices.DeleteFunc(slices.Clone(found), func(name string) bool {
			_, have := slices.BinarySearch(old.sorted, name)
			return have
		})
		if len(fresh) == 0 {
			return
		}
		sorted := slices.Concat(old.sorted, fresh)
		slices.Sort(sorted)
		if n.known.CompareAndSwap(old, newNameSet(sorted)) {
			return
		}
	}
}

// clear forgets all names, since there is another file.
func (n *names) clear() {
	n.known.Store(newNameSet(nil))
	n.last.Store(0)
}

// refresh reads the names from the file if there are rows of others, by skipping
// through the index from one to the next.
func (n *names) refresh(ctx context.Context, r reads) error {
	var last int64
	if err := r.maxID.QueryRowContext(ctx).Scan(&last); err != nil || last <= n.last.Load() {
		return err
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
	n.add(found)
	for have := n.last.Load(); have < last && !n.last.CompareAndSwap(have, last); {
		have = n.last.Load()
	}
	return nil
}

// refreshNames looks for the names of rows that other processes have added.
func (s *Store) refreshNames(ctx context.Context) error {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	generation := s.watch.generation.Load()
	err := s.names.refresh(ctx, s.reads)
	if s.checkGeneration(generation) != nil {
		s.names.last.Store(0) // what it read is perhaps of the old file
	}
	return s.readError("read the names of the records", err)
}

// matching returns the sorted names that a pattern matches.
func (s *Store) matching(ctx context.Context, p key.Pattern) ([]string, error) {
	if err := s.refreshNames(ctx); err != nil {
		return nil, err
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
