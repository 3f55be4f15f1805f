package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/signal"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// start is the time of the first row, and step the time between two rows.
const (
	start = 1_600_000_000_000
	step  = 10
	batch = 4096
)

func main() {
	rows := flag.Int("rows", 10_000_000, "rows to make")
	names := flag.Int("records", 100, "records to spread them over")
	flag.Parse()
	if flag.NArg() != 1 || *rows < 1 || *names < 1 {
		fmt.Fprintln(os.Stderr, "usage: history10m [-rows N] [-records N] FILE")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := build(ctx, flag.Arg(0), *rows, *names); err != nil {
		fmt.Fprintln(os.Stderr, "history10m:", err)
		os.Exit(1)
	}
}

func build(ctx context.Context, path string, rows, names int) (err error) {
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s exists already; remove it or choose another name", path)
	}
	s, err := sqlite.Open(path)
	if err != nil {
		return err
	}
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(running) }()
	defer func() {
		end()
		err = errors.Join(err, <-ended, s.Close())
	}()
	bar := progressbar.Default(int64(rows), "rows")
	for at := 0; at < rows; at += batch {
		n := min(batch, rows-at)
		if err := s.Write(ctx, entries(at, n, names)); err != nil {
			return err
		}
		if err := bar.Add(n); err != nil {
			return err
		}
	}
	return nil
}

func entries(at, n, names int) *sinks.Batch {
	b := &sinks.Batch{Checkpoint: sinks.Checkpoint{Log: "history10m", Sequence: uint64(at + n)}}
	for i := at; i < at+n; i++ {
		ms := int64(start + i*step)
		forecast, actual := 10+8*math.Sin(float64(i)/5000), 10+8*math.Sin(float64(i)/5000+0.1)
		b.Entries = append(b.Entries, sinks.Entry{
			Sequence: uint64(i + 1), Record: fmt.Sprintf("accuracy::city%03d", i%names), Time: ms,
			Value: fmt.Appendf(nil, `{"city":"city%03d","source":"made","forecast_celsius":%.1f,"actual_celsius":%.1f,"error_celsius":%.2f,"valid_at":%q}`,
				i%names, forecast, actual, forecast-actual, time.UnixMilli(ms).UTC().Format(time.RFC3339)),
		})
	}
	return b
}
