package integration

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/internal/pgtest"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
	"github.com/aimdb-go/aimdb/sinks/parquet"
	"github.com/aimdb-go/aimdb/sinks/postgres"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// BenchmarkBytes stores 1,000 values of each of 100 records in all sinks of one database,
// and reports the bytes that a value takes on disk: in the log, in SQLite, in PostgreSQL
// with its indexes, in NDJSON and in Parquet. The values are all alike but for their
// number, or have other measurements and times each, which compresses less.
func BenchmarkBytes(b *testing.B) {
	b.Run("values=alike", func(b *testing.B) { bytesOf(b, sampled) })
	b.Run("values=varied", func(b *testing.B) {
		r := rand.New(rand.NewPCG(1, 2))
		var all []sample
		for n := range bytesRecords * bytesValues {
			v := sampled(n)
			v.Celsius, v.Humidity = float64(r.IntN(400)-100)/10, r.IntN(100)
			v.At = time.Date(2015, 1, 1, 0, 0, n, 0, time.UTC).Format(time.RFC3339)
			all = append(all, v)
		}
		bytesOf(b, func(n int) sample { return all[n] })
	})
}

const bytesRecords, bytesValues = 100, 1000

func bytesOf(b *testing.B, value func(n int) sample) {
	for b.Loop() {
		dir := b.TempDir()
		dsn := pgtest.Syncing(b).Database(b)
		at := func(name string) string { return filepath.Join(dir, name) }
		lines, err := ndjson.Open(at("ndjson"))
		must(b, err)
		columns, err := parquet.Open(b.Context(), parquet.Config{Dir: at("parquet")})
		must(b, err)
		table, err := postgres.Open(b.Context(), postgres.Config{DSN: dsn})
		must(b, err)
		file, err := sqlite.Open(at("history.db"))
		must(b, err)
		n := storeInAll(b, value, dir, table, file, aimdb.WithSink(lines), aimdb.WithSink(columns))
		must(b, columns.Rotate(b.Context()))
		must(b, columns.Close())
		must(b, lines.Close())
		must(b, table.Close())
		for name, bytes := range map[string]int64{
			"log": sizeOf(b, at("log")), "sqlite": sizeOf(b, at("history.db")), "ndjson": sizeOf(b, at("ndjson")),
			"parquet": sizeOf(b, at("parquet")), "postgres": relationSize(b, dsn),
		} {
			b.ReportMetric(float64(bytes)/float64(n), name+"-B/value")
		}
	}
	b.ReportMetric(0, "ns/op") // what is measured is space
}

// storeInAll runs a database until all of its sinks have the values, and returns how many.
func storeInAll(b *testing.B, value func(n int) sample, dir string, table *postgres.Store, file *sqlite.Store, more ...aimdb.Option) (values int) {
	b.Helper()
	values = bytesRecords * bytesValues
	db, err := aimdb.New(append(more, aimdb.Name("bench"), aimdb.Dir(dir), aimdb.WithPersistence(file, 0), aimdb.WithSink(table))...)
	must(b, err)
	s := &served{DB: db, value: value}
	for i := range bytesRecords {
		r, err := aimdb.Register[sample](db, fmt.Sprintf("plant.line0::sensor%d", i), lossless()...)
		must(b, err)
		s.records = append(s.records, r)
	}
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	ended := make(chan error, 2)
	go func() { ended <- table.Run(ctx) }()
	go func() { ended <- db.Run(ctx) }()
	s.send(b, values)
	must(b, db.Flush(ctx))
	for _, name := range []string{"postgres", "ndjson", "parquet"} {
		must(b, db.FlushSink(ctx, name))
	}
	stop()
	must(b, errors.Join(<-ended, <-ended))
	return values
}

// sizeOf is the size of a file, or of all files in a directory.
func sizeOf(b *testing.B, path string) (bytes int64) {
	b.Helper()
	must(b, filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	}))
	return bytes
}

// relationSize is the size of the rows and indexes of a history in PostgreSQL.
func relationSize(b *testing.B, dsn string) (bytes int64) {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), dsn)
	must(b, err)
	must(b, conn.QueryRow(b.Context(), "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('aimdb.record_history')").Scan(&bytes))
	must(b, conn.Close(b.Context()))
	return bytes
}
