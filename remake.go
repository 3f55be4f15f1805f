package aimdb

import (
	"context"
	"maps"
	"slices"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/records"
)

// shallow is the largest capacity of the records whose values a start reads in one
// query, that of all records. Others have a query each.
const shallow = 16

// remakeRecords registers the names in history that Declare takes, and returns the number
// of their values. complete says that the history has all that was logged before this run.
func (db *DB) remakeRecords(ctx context.Context, complete bool) (values int, err error) {
	a := &db.additions
	a.mu.Lock()
	defer a.mu.Unlock()
	names, err := db.config.Backend.Records(ctx)
	if err != nil {
		return 0, db.failed(err, "list the records of history")
	}
	a.rest, a.complete = make(map[string]struct{}, len(names)), complete
	r := remaking{db: db, configs: map[string]records.Config{}}
	for _, name := range names {
		a.rest[name] = struct{}{}
		r.declare(name)
	}
	if err := r.addShallow(ctx); err != nil {
		return r.values, db.failed(err, "bring records back from history")
	}
	if err := r.addOthers(ctx); err != nil {
		return r.values, db.failed(err, "bring records back from history")
	}
	if r.refused > 0 || r.over > 0 {
		db.config.Logger.Warn("the history has names that get no record; their rows can be queried",
			"database", db.config.Name, "refused", r.refused, "over_the_limit", r.over, "limit", db.config.DynamicLimit)
	}
	return r.values, nil
}

// remaking is the registration of names in history. The lock of additions is held.
type remaking struct {
	db *DB
	// configs are those of the records that are still to be added.
	configs map[string]records.Config
	// depth is the largest capacity of shallow ones, 0 if there are none.
	depth int
	// values counts those that are back, refused and over the names without a record.
	values, refused, over int
}

// declare asks what becomes of a name.
func (r *remaking) declare(name string) {
	if _, known := r.db.registry.Lookup(name); known {
		return
	}
	c, err := r.db.declared(name)
	if err == nil {
		_, err = r.db.checkAdd(name, &c)
	}
	switch {
	case err != nil:
		r.refused++
	case r.db.additions.made+len(r.configs) >= r.db.config.DynamicLimit:
		r.over++
	default:
		r.configs[name] = c
		if isShallow(c) {
			r.depth = max(r.depth, depth(c))
		}
	}
}

func depth(c records.Config) int { return max(1, c.Capacity) }

func isShallow(c records.Config) bool { return c.Logged && depth(c) <= shallow }

// addShallow adds the shallow records that have rows.
func (r *remaking) addShallow(ctx context.Context) error {
	if r.depth == 0 {
		return nil
	}
	var name string
	var rows []records.Stored
	q := history.LatestQuery{Pattern: key.WirePattern("#"), Limit: r.depth, By: history.ByStoring}
	for row, err := range r.db.history().Latest(ctx, q) {
		if err != nil {
			return err
		}
		if row.Record != name {
			r.addFull(name, rows)
			name, rows = row.Record, nil
		}
		c, wanted := r.configs[name]
		if wanted && isShallow(c) && len(rows) < depth(c) && row.Err == nil && row.Shape == 0 {
			rows = append(rows, stored(row))
		}
	}
	r.addFull(name, rows)
	return nil
}

// addFull adds a record if there are rows. Those of deep records are not read yet.
func (r *remaking) addFull(name string, rows []records.Stored) {
	if len(rows) > 0 {
		r.add(name, rows)
	}
}

// addOthers adds the records that are left.
func (r *remaking) addOthers(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(r.configs)) {
		rows, err := r.db.rowsOf(ctx, name, r.configs[name])
		if err != nil {
			return err
		}
		r.add(name, rows)
	}
	return nil
}

// add adds a record with its values, if it is wanted.
func (r *remaking) add(name string, rows []records.Stored) {
	c, wanted := r.configs[name]
	if !wanted {
		return
	}
	delete(r.configs, name)
	u, err := r.db.registry.Add(name, c, rows...)
	if err != nil { // it has the segments of another one, or the configuration is wrong
		r.refused++
		return
	}
	delete(r.db.additions.rest, name)
	r.db.additions.made++
	r.values += int(u.Metrics().Restored)
}
