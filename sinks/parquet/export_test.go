package parquet_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/parquet"
)

// odd are entries whose keys and values need care.
func odd() (all []sinks.Entry) {
	for i, record := range []string{"a::b", "a.b.c", "A", "a", "grün::ñ", "日本", "e\u0301", "é", "x/y", "c:%41", strings.Repeat("ü", 100)} {
		for n, value := range []string{`{ "a" : 1.0, "a":2 }`, "[1,\r\n2]", `"\ud800\u00e9é` + "\u2028\"", "null", "1e400", "12345678901234567890.5", `""`} {
			all = append(all, sinks.Entry{Record: record, Time: int64(i*n) * 40_000_000, Value: json.RawMessage(value)})
		}
	}
	return all
}

func export(t testing.TB, dir string, all []sinks.Entry) {
	t.Helper()
	x, err := parquet.NewExport(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if err := x.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func same(t testing.TB, got, want []sinks.Entry) {
	t.Helper()
	byRecord := func(a, b sinks.Entry) int { return strings.Compare(a.Record, b.Record) }
	slices.SortStableFunc(got, byRecord)
	want = slices.Clone(want)
	slices.SortStableFunc(want, byRecord)
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i, g := range got {
		if w := want[i]; g.Record != w.Record || g.Time != w.Time || g.Sequence != w.Sequence || !bytes.Equal(g.Value, w.Value) {
			t.Fatalf("row %d is %+v, want %+v", i, g, w)
		}
	}
}

// TestExport: a directory has all rows, each where its key and its day belong.
func TestExport(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "all")
	export(t, dir, odd())
	var got []sinks.Entry
	for _, path := range parquetFiles(t, dir) {
		some := rows(t, path)
		record := strings.TrimPrefix(filepath.Base(filepath.Dir(filepath.Dir(path))), "record=")
		if parquet.Escape(some[0].Record) != record {
			t.Errorf("%s has rows of %q", path, some[0].Record)
		}
		got = append(got, some...)
	}
	same(t, got, odd())
	if left, err := os.ReadDir(parent); err != nil || len(left) != 1 {
		t.Errorf("left %v, %v", left, err)
	}
	if left := glob(t, dir, "*"); len(left) != 11 {
		t.Errorf("the directory has %v, want 11 records", left)
	}
	if _, err := parquet.NewExport(dir); err == nil {
		t.Error("a directory with files was taken")
	}
}

func TestEmptyExport(t *testing.T) {
	dir := t.TempDir() // an empty directory is taken
	export(t, dir, nil)
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("files %v, %v", files, err)
	}
	path := filepath.Join(t.TempDir(), "empty.parquet")
	writeFile(t, path, nil)
	if got := rows(t, path); len(got) != 0 {
		t.Errorf("%d rows", len(got))
	}
}

func TestDiscard(t *testing.T) {
	parent := t.TempDir()
	x, err := parquet.NewExport(filepath.Join(parent, "all"))
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Write(odd()[0]); err != nil {
		t.Fatal(err)
	}
	if err := x.Discard(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

func writeFile(t testing.TB, path string, all []sinks.Entry) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := parquet.NewWriter(f)
	for _, e := range all {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := parquet.CheckRows(path, int64(len(all))); err != nil {
		t.Fatal(err)
	}
	if err := parquet.CheckRows(path, int64(len(all)+1)); err == nil {
		t.Error("a wrong number of rows passes")
	}
}

// TestFile: one file keeps the order of all rows, sequences and all.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "all.parquet")
	all := odd()
	for i := range all[:10] {
		all[i].Sequence = uint64(i) * 3
	}
	writeFile(t, path, all)
	same(t, rows(t, path), all)
}

// TestForeignFile: what has other columns is no file of ours.
func TestForeignFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.parquet")
	type other struct {
		RecordName string `parquet:"record_name"`
		StoredAt   int64  `parquet:"stored_at,timestamp(microsecond)"`
	}
	if err := pq.WriteFile(path, []other{{"a", 1}}); err != nil {
		t.Fatal(err)
	}
	for _, err := range parquet.Entries(path) {
		if err == nil || !strings.Contains(err.Error(), "columns") {
			t.Errorf("it was read: %v", err)
		}
	}
	if err := os.WriteFile(path, []byte("PAR1 and nothing else"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, err := range parquet.Entries(path) {
		if err == nil {
			t.Error("damage was read")
		}
	}
}

// TestDamagedFile: a flipped bit anywhere gives an error or rows, and no panic.
func TestDamagedFile(t *testing.T) {
	if checksPointers {
		t.Skip("the race detector checks pointers, and ends the process where parquet-go panics otherwise; make damaged runs this test without it")
	}
	path := filepath.Join(t.TempDir(), "all.parquet")
	writeFile(t, path, odd())
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for i := range data {
		data[i] ^= 0x40
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, err := range parquet.Entries(path) {
			if err != nil {
				failed++
			}
		}
		data[i] ^= 0x40
	}
	if failed == 0 {
		t.Error("no damage was noticed")
	}
}

// TestMemory: neither a file nor a directory holds its rows in memory. 110,000 rows of
// 1,000 bytes are 110 MB, half of it compressed.
func TestMemory(t *testing.T) {
	if checksPointers {
		t.Skip("the race detector takes five times as long to write so many rows; make damaged runs this test without it")
	}
	const n, limit = 110_000, 48 << 20
	random := rand.NewChaCha8([32]byte{})
	var noise [500]byte // as hexadecimal digits it is compressed to half
	big := func(i int) sinks.Entry {
		_, _ = random.Read(noise[:]) // it gives no error
		return sinks.Entry{Record: fmt.Sprintf("r%d", i%10), Time: int64(i), Value: fmt.Appendf(nil, `"%x"`, noise)}
	}
	dir := t.TempDir()
	t.Run("file", func(t *testing.T) {
		f, err := os.Create(filepath.Join(dir, "all.parquet"))
		if err != nil {
			t.Fatal(err)
		}
		w := parquet.NewWriter(f)
		peak := peakOf(func(measure func()) {
			for i := range n {
				if err := w.Write(big(i)); err != nil {
					t.Fatal(err)
				}
				if i%20_000 == 0 {
					measure()
				}
			}
		})
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d MB at most", peak>>20)
		if peak > limit {
			t.Errorf("%d MB are in memory", peak>>20)
		}
	})
	t.Run("directory", func(t *testing.T) {
		x, err := parquet.NewExport(filepath.Join(dir, "all"))
		if err != nil {
			t.Fatal(err)
		}
		peak := peakOf(func(measure func()) {
			for i := range n {
				if err := x.Write(big(i)); err != nil {
					t.Fatal(err)
				}
				if i%20_000 == 0 {
					measure()
				}
			}
		})
		if err := x.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d MB at most", peak>>20)
		if peak > limit {
			t.Errorf("%d MB are in memory", peak>>20)
		}
		got := 0
		for _, path := range parquetFiles(t, filepath.Join(dir, "all")) {
			for _, err := range parquet.Entries(path) {
				if err != nil {
					t.Fatal(err)
				}
				got++
			}
		}
		if got != n {
			t.Errorf("%d rows", got)
		}
	})
}

// peakOf returns by how much the heap grew at most when it was measured.
func peakOf(do func(measure func())) (peak uint64) {
	heap := func() uint64 {
		runtime.GC()
		runtime.GC() // what pools hold
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	do(func() {
		now := heap()
		peak = max(peak, now-min(before, now))
	})
	return peak
}
