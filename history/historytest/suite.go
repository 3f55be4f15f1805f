package historytest

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks"
)

// Store is what the suite needs: a history that is written, read and pruned.
type Store interface {
	sinks.Sink
	history.Reader
	history.Pruner
}

// Target is the kind of store under test.
type Target struct {
	// Open opens the history in a directory, and returns what closes it. Opened
	// again in the same directory, it has what it had before.
	Open func(t testing.TB, dir string) (Store, func())
	// Failing runs a function while every commit of the store fails at its end,
	// when the rows are already written. A nil Failing leaves that untested.
	Failing func(t testing.TB, s Store, do func())
}

// Run runs the suite.
func Run(t *testing.T, target Target) {
	RunModel(t, target)
	t.Run("latest rows come by name, then newest first", target.latestTable)
	t.Run("rows by storing follow clock steps", target.latestByStoring)
	t.Run("a range merges records by time", target.rangeTable)
	t.Run("a range has what was stored when it began", target.rangeBegan)
	t.Run("times may be the least and the greatest", target.extremes)
	t.Run("pages stay right while rows come and go", target.pagesMoving)
	t.Run("a page keeps to its bounds", target.pageBounds)
	t.Run("a cursor belongs to a history and a query", target.cursors)
	t.Run("buckets count what is not a number", target.bucketTable)
	t.Run("buckets read values by one rule", target.bucketRule)
	t.Run("numbers that are too large spoil no bucket", target.bucketLimits)
	t.Run("queries that cannot be answered are refused", target.refusals)
	t.Run("statistics describe each record", target.stats)
	t.Run("nothing empty is null", target.noNull)
	t.Run("a position is a cut through history and log", target.position)
	t.Run("pruning applies each limit", target.pruneTable)
	t.Run("limits of rows and bytes go by storing", target.pruneByStoring)
	t.Run("rows from the future age from when they were found", target.pruneFuture)
	t.Run("rows stay that only the clock makes too old", target.pruneHeld)
	t.Run("the limit of the whole history takes what was stored first", target.pruneWhole)
	t.Run("dead letters are retried and dropped", target.deadLetters)
	t.Run("rows keep the version of their shape", target.shapesKept)
	t.Run("rows of older shapes are rewritten", target.rewriting)
	t.Run("rows are rewritten while others are stored and pruned", target.rewritingBeside)
	t.Run("dead letters keep the version of their shape", target.shapesOfLetters)
	t.Run("rows with times of their own", target.eventTimes)
	t.Run("reads are right while rows are written", target.concurrent)
}

// RunModel runs the part of the suite that compares random histories with a model. It is
// enough for a store that passes Run with other settings.
func RunModel(t *testing.T, target Target) {
	t.Run("latest rows are those of the model", target.latestRandom)
	t.Run("ranges are those of the model", target.rangeRandom)
	t.Run("pages are like one range", target.pagesRandom)
	t.Run("pruning and its preview are those of the model", target.pruneRandom)
}

func (x Target) open(t testing.TB) Store {
	t.Helper()
	s, closeStore := x.Open(t, t.TempDir())
	t.Cleanup(closeStore)
	return s
}

// feed writes rows as a pump does.
type feed struct {
	store Store
	at    history.Position
	have  history.Position // what the store has
}

func newFeed(s Store) *feed { return &feed{store: s, at: history.Position{Log: "log"}} }

// write stores rows in one batch. It leaves out those that the store refuses, as a pump
// does, and returns how many they are.
func (f *feed) write(t testing.TB, rows ...history.Row) (refused int64) {
	t.Helper()
	b := f.batch(rows...)
	err := f.store.Write(t.Context(), b)
	var refusal *sinks.RefusedError
	if errors.As(err, &refusal) && len(refusal.Entries) > 0 {
		var rest []sinks.Entry
		for i, e := range b.Entries {
			if refusal.Entries[i] == nil {
				rest = append(rest, e)
			}
		}
		b.Entries = rest
		err = f.store.Write(t.Context(), b)
		refused = int64(len(refusal.Entries))
	}
	if err != nil {
		t.Fatal(err)
	}
	f.have = b.Checkpoint
	return refused
}

func (f *feed) batch(rows ...history.Row) *sinks.Batch {
	b := &sinks.Batch{Previous: f.have}
	for _, row := range rows {
		f.at.Sequence++
		e := sinks.Entry{Sequence: f.at.Sequence, Record: row.Record, Time: row.Time, Value: row.Value, Shape: row.Shape}
		if row.Stored != 0 {
			e.Timed, e.Event, e.Time = true, row.Time, row.Stored
		}
		b.Entries = append(b.Entries, e)
	}
	b.Checkpoint = f.at
	return b
}

// late is a row with a time of its own.
func late(record string, ms, stored int64, value string) history.Row {
	return history.Row{Record: record, Time: ms, Stored: stored, Value: []byte(value)}
}

func row(record string, ms int64, value string) history.Row {
	return history.Row{Record: record, Time: ms, Value: []byte(value)}
}

func pattern(t testing.TB, text string) key.Pattern {
	t.Helper()
	p, err := key.ParsePattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func random(t testing.TB) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// collect reads a sequence that must not fail.
func collect[T any](t testing.TB, seq iter.Seq2[T, error]) []T {
	t.Helper()
	var all []T
	for one, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

// everything returns all rows of a history, oldest first, with their IDs.
func everything(t testing.TB, s history.Reader) []history.Row {
	t.Helper()
	return collect(t, s.Range(t.Context(), history.RangeQuery{Pattern: pattern(t, "#")}))
}

// texts writes rows without their IDs.
func texts(rows []history.Row) []string {
	all := make([]string, 0, len(rows))
	for _, row := range rows {
		all = append(all, fmt.Sprintf("%s %d %s", row.Record, row.Time, row.Value))
	}
	return all
}

// same compares rows without their IDs.
func same(t *testing.T, got []history.Row, want ...string) {
	t.Helper()
	if g := texts(got); !slices.Equal(g, want) {
		t.Errorf("got  %q\nwant %q", g, want)
	}
}

// equal compares rows with their IDs.
func equal(t *testing.T, what any, got, want []history.Row) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%+v: %d rows, want %d:\ngot  %.600v\nwant %.600v", what, len(got), len(want), fmt.Sprint(got), fmt.Sprint(want))
	}
}
