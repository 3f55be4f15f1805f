package aimdb_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/memory"
)

// timedBackend keeps event times and cannot rewrite rows.
type timedBackend struct {
	aimdb.Backend
	history.EventTimed
}

// stuckBackend cannot rewrite its rows at present.
type stuckBackend struct{ memoryBackend }

var errStuck = errors.New("stuck")

func (stuckBackend) Rewrite(context.Context, func(history.Row) (json.RawMessage, int, error), func(int)) error {
	return errStuck
}

// TestMigrateAtStartOfABackendThatCannotRewrite: a backend that has no shapes has nothing to
// migrate and starts, also with a record of event times. Any other error ends the start.
func TestMigrateAtStartOfABackendThatCannotRewrite(t *testing.T) {
	rows := memoryBackend{&memory.Sink{}}
	db, err := aimdb.New(aimdb.Dir(t.TempDir()), aimdb.WithPersistence(timedBackend{rows, rows}, 0), aimdb.MigrateAtStart())
	if err != nil {
		t.Fatal(err)
	}
	r := registerLate(t, db, aimdb.EventTime(measured.own))
	stop := start(t, db)
	r.Produce(onDay(9, 1))
	if err := db.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := db.MigrateHistory(t.Context()); !errors.Is(err, aimdb.ErrNotMigratable) {
		t.Errorf("MigrateHistory returned %v", err)
	}
	stop()

	db, err = aimdb.New(aimdb.Dir(t.TempDir()), aimdb.WithPersistence(stuckBackend{memoryBackend{&memory.Sink{}}}, 0), aimdb.MigrateAtStart())
	if err != nil {
		t.Fatal(err)
	}
	registerLate(t, db, aimdb.EventTime(measured.own))
	if err := db.Run(t.Context()); !errors.Is(err, errStuck) {
		t.Errorf("Run ended with %v", err)
	}
}

var _ history.Shaped = stuckBackend{}
