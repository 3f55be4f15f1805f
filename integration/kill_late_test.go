package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

const lateKey = "late::a"

// lateNumber is a value that comes late: its own time is years ago, and that of the next
// one may be earlier or later. Round is that of the process that wrote it.
type lateNumber struct {
	N     int `json:"n"`
	Round int `json:"round"`
}

// own returns another time for each of the first million numbers, in no order.
func (v lateNumber) own() time.Time {
	return time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(v.N*7919%1_000_000) * time.Second)
}

// runLate is a child process that writes late values for ever and prints those that were
// acknowledged as logged. It goes on after the last value that came back.
func runLate(args []string) error {
	round, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	store, err := openBackend(context.Background(), args[1], logger)
	if err != nil {
		return err
	}
	db, err := aimdb.New(aimdb.Name("kill"), aimdb.Dir(args[0]), aimdb.WithPersistence(store, 0), aimdb.Logger(logger))
	if err != nil {
		return err
	}
	r, err := aimdb.Register[lateNumber](db, lateKey, aimdb.Ring(64), aimdb.Persist(), aimdb.Lossless(aimdb.LogReader), aimdb.EventTime(lateNumber.own))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		defer cancel()
		<-db.Ready()
		last, _ := r.Latest()
		for n := last.N + 1; ; n++ {
			send := r.Send
			if n%burst == 0 {
				send = r.ProduceLogged
			}
			if err := send(ctx, lateNumber{n, round}); err != nil {
				fmt.Fprintln(os.Stderr, "writer:", err)
				return
			}
			if n%burst == 0 {
				fmt.Println(lateKey, n)
			}
		}
	}()
	return db.Run(ctx)
}

// Values that come late are stored under their own times, once, in the order of their
// writes, and with the times of their writes: also those that the next process takes from
// the log of one that was killed.
func TestKillWhileWritingLateValues(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, dir, history string) {
		acked, moments := map[string]int{}, randomMoments(t)
		var began, killed []int64 // of each round
		for round := range rounds(t, 4/slower) + 1 {
			began = append(began, time.Now().UnixMilli())
			w := startChild(t, "late", dir, history, strconv.Itoa(round))
			w.awaitAck(t)
			killAfter(t, w, time.Duration(moments.IntN(100))*time.Millisecond)
			w.merge(acked)
			killed = append(killed, time.Now().UnixMilli())
		}
		w := startChild(t, "late", dir, history, strconv.Itoa(len(killed)))
		w.awaitAck(t) // it has stored what was in the log
		killAfter(t, w, 0)
		awaitUnused(t, history)
		began, killed = append(began, 0), append(killed, time.Now().UnixMilli())
		checkLate(t, history, acked[lateKey], began, killed)
	})
}

func checkLate(t *testing.T, source string, acked int, began, killed []int64) {
	t.Helper()
	store, err := openBackend(t.Context(), source, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	pattern, err := key.ParsePattern(lateKey)
	if err != nil {
		t.Fatal(err)
	}
	numbers, last := map[int64]int{}, int64(0)
	var wrong int
	rows := store.Range(t.Context(), history.RangeQuery{Pattern: pattern, PerRecord: math.MaxInt32, Total: math.MaxInt32})
	if file, is := store.(*sqlite.Store); is { // its ranges do not tell when a row was stored
		rows = file.Rows(t.Context(), pattern, history.Window{}, 0)
	}
	for row, err := range rows {
		var v lateNumber
		if err == nil {
			err = json.Unmarshal(row.Value, &v)
		}
		if err != nil {
			t.Fatal(err)
		}
		numbers[row.ID] = v.N
		if row.Time != v.own().UnixMilli() || row.Stored < began[v.Round] || row.Stored > killed[v.Round] {
			if wrong++; wrong < 5 {
				t.Errorf("value %d of round %d has the time %d and was stored at %d; want %d, and %d to %d", v.N, v.Round, row.Time, row.Stored, v.own().UnixMilli(), began[v.Round], killed[v.Round])
			}
		}
		last = max(last, row.ID)
	}
	var all []int
	for id := range last + 1 {
		if n, has := numbers[id]; has {
			all = append(all, n)
		}
	}
	n, err := consecutive(all)
	if err != nil || n < acked {
		t.Errorf("%d values are stored and %d were acknowledged; %v", n, acked, err)
	}
	var before int64
	for row, err := range store.Range(t.Context(), history.RangeQuery{Pattern: pattern, PerRecord: n, Total: n}) {
		if err != nil || row.Time < before {
			t.Fatalf("row %d of %d comes after one of %d: %v", row.ID, row.Time, before, err)
		}
		before = row.Time
	}
	t.Logf("%d stored, %d acknowledged", n, acked)
}
