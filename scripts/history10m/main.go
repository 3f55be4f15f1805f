// Command history10m makes a history of many rows for benchmarks and trials:
//
//	history10m [-rows 10000000] [-records 100] FILE
//
// The rows are one second apart in time, turn by turn of the records, and end
// now. Running it again on the same file goes on where it ended.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func main() {
	rows := flag.Uint64("rows", 10_000_000, "number of rows")
	names := flag.Uint64("records", 100, "number of records")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: history10m [-rows N] [-records N] FILE")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 || *names == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := fill(ctx, flag.Arg(0), *rows, *names); err != nil {
		fmt.Fprintln(os.Stderr, "history10m:", err)
		os.Exit(1)
	}
}

// fill writes rows through the store, as the pump would.
func fill(ctx context.Context, path string, rows, names uint64) (err error) {
	s, err := sqlite.Open(path)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(running) }()
	defer func() {
		stop()
		err = errors.Join(err, <-ended, s.Close())
	}()
	at, err := s.Checkpoint(ctx)
	if err != nil {
		return err
	}
	const size = 4096
	start := time.Now().Add(-time.Duration(rows) * time.Second).UnixMilli()
	for first := at.Sequence + 1; first <= rows; first += size {
		last := min(first+size-1, rows)
		b := batch(first, last, names, start)
		b.Previous = at
		if err := s.Write(ctx, b); err != nil {
			return err
		}
		at = b.Checkpoint
		if first/1_000_000 != (last+1)/1_000_000 {
			fmt.Fprintf(os.Stderr, "%d of %d rows\n", last, rows)
		}
	}
	return nil
}

func batch(first, last, names uint64, start int64) *sinks.Batch {
	b := &sinks.Batch{Checkpoint: history.Position{Log: "history10m", Sequence: last}}
	for n := first; n <= last; n++ {
		b.Entries = append(b.Entries, sinks.Entry{
			Sequence: n,
			Record:   fmt.Sprintf("accuracy::city%03d", n%names),
			Time:     start + int64(n)*1000,
			Value: fmt.Appendf(nil, `{"city":"city%03d","forecast_celsius":%d.5,"actual_celsius":%d.25,"error_celsius":0.25,"lead_hours":24,"within_tolerance":true,"n":%d}`,
				n%names, n%40, n%40, n),
		})
	}
	return b
}
