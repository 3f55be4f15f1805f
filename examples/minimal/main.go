// Command minimal stores one value a run in minimal-data, and prints all of them.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func main() {
	store, err := sqlite.Open("minimal-data/history.db")
	check(err)
	db, err := aimdb.New(aimdb.Dir("minimal-data"), aimdb.WithPersistence(store, 0))
	check(err)
	starts, err := aimdb.Register[time.Time](db, "program::starts", aimdb.Ring(10), aimdb.Persist())
	check(err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()

	starts.Produce(time.Now().UTC())
	check(db.Flush(ctx)) // the value is on disk
	rows, err := aimdb.QueryRange[time.Time](ctx, db, "program::*", time.Time{}, time.Time{})
	check(err)
	for i, row := range rows {
		fmt.Println(row.Record, i+1, row.Value.Format(time.RFC3339Nano))
	}
	stop()
	check(<-done)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
