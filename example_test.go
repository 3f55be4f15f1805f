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

// Validation is a forecast that was compared with what came.
type Validation struct {
	City  string  `json:"city"`
	Error float64 `json:"error_celsius"`
}

// serve runs a database with two cities that have three validations each, and
// calls fn when all of it is stored.
func serve(fn func(ctx context.Context, db *aimdb.DB)) {
	dir, err := os.MkdirTemp("", "aimdb")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		log.Fatal(err)
	}
	db, err := aimdb.New(aimdb.Name("hub"), aimdb.Dir(dir), aimdb.WithPersistence(store, 7*24*time.Hour))
	if err != nil {
		log.Fatal(err)
	}
	var cities []*aimdb.Record[Validation]
	for _, key := range []string{"accuracy::vienna", "accuracy::berlin"} {
		r, err := aimdb.Register[Validation](db, key, aimdb.Ring(500), aimdb.Persist())
		if err != nil {
			log.Fatal(err)
		}
		cities = append(cities, r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- db.Run(ctx) }()
	for i, e := range []float64{0.5, -1.5, 2} {
		cities[0].Produce(Validation{"vienna", e})
		cities[1].Produce(Validation{"berlin", float64(i)})
	}
	if err := db.Flush(ctx); err != nil {
		log.Fatal(err)
	}
	fn(ctx, db)
	cancel()
	if err := <-done; err != nil {
		log.Fatal(err)
	}
}

func ExampleQueryLatest() {
	serve(func(ctx context.Context, db *aimdb.DB) {
		rows, err := aimdb.QueryLatest[Validation](ctx, db, "accuracy::*", 2)
		if err != nil {
			log.Fatal(err)
		}
		for _, row := range rows {
			fmt.Println(row.Record, row.Value.Error)
		}
	})
	// Output:
	// accuracy::berlin 2
	// accuracy::berlin 1
	// accuracy::vienna 2
	// accuracy::vienna -1.5
}

func ExampleQueryBuckets() {
	serve(func(ctx context.Context, db *aimdb.DB) {
		const century = 100 * 365 * 24 * time.Hour
		buckets, err := aimdb.QueryBuckets(ctx, db, "accuracy::*", "error_celsius", century, time.Time{}, time.Time{})
		if err != nil {
			log.Fatal(err)
		}
		for _, b := range buckets {
			fmt.Printf("%s count %d min %g max %g mean %.2f first %g last %g\n",
				b.Record, b.Count, b.Min, b.Max, b.Mean, b.First, b.Last)
		}
	})
	// Output:
	// accuracy::berlin count 3 min 0 max 2 mean 1.00 first 0 last 2
	// accuracy::vienna count 3 min -1.5 max 2 mean 0.33 first 0.5 last 2
}

func ExampleFollow() {
	serve(func(ctx context.Context, db *aimdb.DB) {
		h, _ := db.Registry().Lookup("accuracy::vienna")
		for event, err := range aimdb.Follow[Validation](ctx, db, "accuracy::vienna", time.Time{}) {
			switch {
			case err != nil:
				log.Fatal(err)
			case event.CaughtUp:
				fmt.Println("caught up")
				if err := h.Set([]byte(`{"city":"vienna","error_celsius":7}`)); err != nil {
					log.Fatal(err)
				}
			default:
				fmt.Println(event.Record, event.Value.Error)
			}
			if event.Value.Error == 7 {
				return
			}
		}
	})
	// Output:
	// accuracy::vienna 0.5
	// accuracy::vienna -1.5
	// accuracy::vienna 2
	// caught up
	// accuracy::vienna 7
}
