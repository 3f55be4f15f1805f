package integration

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// fixtures holds data directories of an earlier version, and what is in them.
const fixtures = "testdata/c95ff89"

// oldData is what a directory of fixtures must hold; its README describes it.
type oldData struct {
	Records     map[string][]string `json:"records"`
	Latest      map[string]string   `json:"latest"`
	Losses      []oldLoss           `json:"losses"`
	DeadLetters map[string][]int    `json:"dead_letters"`
	Positions   []oldPlace          `json:"positions"`
	Cursors     []oldPlace          `json:"cursors"`
}

type oldLoss struct {
	Record string `json:"record"`
	Cause  string `json:"cause"`
	Count  uint64 `json:"count"`
	From   uint64 `json:"from"`
	To     uint64 `json:"to"`
}

// oldPlace is a position or a cursor after some values of a record.
type oldPlace struct {
	Record string `json:"record"`
	After  int    `json:"after"`
	Limit  int    `json:"limit"`
	Text   string `json:"text"`
}

// eachFixture runs a test for each directory, on a copy.
func eachFixture(t *testing.T, test func(t *testing.T, dir string, has oldData)) {
	data, err := os.ReadFile(filepath.Join(fixtures, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]oldData
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 4 {
		t.Fatalf("%d directories are described, want 4", len(all))
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			unpack(t, filepath.Join(fixtures, name+".tar.gz"), dir)
			test(t, dir, all[name])
		})
	}
}

// unpack writes the files of an archive below a directory.
func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if h.FileInfo().IsDir() {
			err = os.MkdirAll(path, 0o755)
		} else {
			var data []byte
			if data, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(path, data, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// oldDB is a database that runs on an old directory.
type oldDB struct {
	*aimdb.DB
	t       *testing.T
	store   *sqlite.Store
	records map[string]*aimdb.Record[json.RawMessage]
	cancel  context.CancelFunc
	done    chan error
}

// openOld runs a database on a directory, with the records that it has values of.
func openOld(t *testing.T, dir string, has oldData) *oldDB {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(t.Output(), nil))
	// The old program refused values of more than 300 bytes too.
	store, err := sqlite.Open(filepath.Join(dir, "history.db"), sqlite.MaxValueBytes(300), sqlite.Logger(logger))
	if err != nil {
		t.Fatal(err)
	}
	db, err := aimdb.New(aimdb.Name("old"), aimdb.Dir(dir), aimdb.WithPersistence(store, 0), aimdb.Logger(logger),
		aimdb.LogLimits(100*365*24*time.Hour, 64<<20)) // the values are years old
	if err != nil {
		t.Fatal(err)
	}
	o := &oldDB{DB: db, t: t, store: store, records: map[string]*aimdb.Record[json.RawMessage]{}, done: make(chan error, 1)}
	for key := range has.Latest {
		r, err := aimdb.Register[json.RawMessage](db, key, aimdb.Ring(8), aimdb.Persist(), aimdb.Lossless())
		if err != nil {
			t.Fatal(err)
		}
		o.records[key] = r
	}
	ctx, cancel := context.WithCancel(context.Background())
	o.cancel = cancel
	go func() { o.done <- db.Run(ctx) }()
	t.Cleanup(o.stop)
	select {
	case <-db.Ready():
	case err := <-o.done:
		o.done <- err
		t.Fatalf("the database did not start: %v", err)
	}
	return o
}

// stop ends the database in good order. It may be called again.
func (o *oldDB) stop() {
	o.cancel()
	err := <-o.done
	if err != nil {
		o.t.Errorf("the run ended with %v", err)
	}
	o.done <- nil
}

// send stores one more value of each record, and notes it in has.
func (o *oldDB) send(has oldData) {
	o.t.Helper()
	for key, r := range o.records {
		text := fmt.Sprintf(`{"n":%d}`, 1000+len(has.Records[key]))
		before := time.Now().UnixMilli()
		if err := r.Send(o.t.Context(), json.RawMessage(text)); err != nil {
			o.t.Fatal(err)
		}
		if err := o.Flush(o.t.Context()); err != nil {
			o.t.Fatal(err)
		}
		rows, err := aimdb.QueryLatest[json.RawMessage](o.t.Context(), o.DB, key, 1)
		if err != nil || len(rows) != 1 || string(rows[0].Value) != text || rows[0].Time.UnixMilli() < before {
			o.t.Fatalf("record %s: the newest row is %v, want %s (%v)", key, rows, text, err)
		}
		has.Latest[key] = line(rows[0])
		has.Records[key] = append(has.Records[key], line(rows[0]))
	}
}

// line writes a row as expected.json does.
func line(r aimdb.Row[json.RawMessage]) string {
	return fmt.Sprintf("%d %s", r.Time.UnixMilli(), r.Value)
}
