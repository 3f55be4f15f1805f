package aimdb_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// A sensor that reported Celsius reports Kelvin and its place in the next version of the
// program.
type (
	Celsius struct {
		Celsius float64 `json:"celsius"`
	}
	Kelvin struct {
		Kelvin float64 `json:"kelvin"`
		Place  string  `json:"place"`
	}
)

// runSensor runs a version of the program: it registers the record, and then works.
func runSensor[T any](dir string, work func(context.Context, *aimdb.DB, *aimdb.Record[T]), opts ...aimdb.RecordOption) {
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		log.Fatal(err)
	}
	db, err := aimdb.New(aimdb.Dir(dir), aimdb.WithPersistence(store, 0))
	if err != nil {
		log.Fatal(err)
	}
	sensor, err := aimdb.Register[T](db, "temp::roof", append(opts, aimdb.Ring(100), aimdb.Persist())...)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- db.Run(ctx) }()
	<-db.Ready()
	work(ctx, db, sensor)
	cancel()
	if err := <-done; err != nil {
		log.Fatal(err)
	}
}

func ExampleMigrate() {
	dir, err := os.MkdirTemp("", "aimdb")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	runSensor(dir, func(ctx context.Context, db *aimdb.DB, sensor *aimdb.Record[Celsius]) {
		sensor.Produce(Celsius{20})
		if err := db.Flush(ctx); err != nil {
			log.Fatal(err)
		}
	})
	runSensor(dir, func(ctx context.Context, db *aimdb.DB, sensor *aimdb.Record[Kelvin]) {
		newest, _ := sensor.Latest()
		fmt.Println("refilled", newest)
		sensor.Produce(Kelvin{295, "roof"})
		if err := db.Flush(ctx); err != nil {
			log.Fatal(err)
		}
		rows, err := aimdb.QueryRange[Kelvin](ctx, db, "temp::roof", time.Time{}, time.Time{})
		if err != nil {
			log.Fatal(err)
		}
		for _, row := range rows {
			fmt.Println(row.Value)
		}
		report, err := db.MigrateHistory(ctx) // or: aimdb history migrate
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("rewritten", report.Rewritten)
	}, aimdb.Migrate(func(v Celsius) (Kelvin, error) { return Kelvin{v.Celsius + 273, "roof"}, nil }))
	// Output:
	// refilled {293 roof}
	// {293 roof}
	// {295 roof}
	// rewritten 1
}
