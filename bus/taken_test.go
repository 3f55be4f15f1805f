package bus

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

// Two processes read the log as one sink. The one that began last reads on, the other one
// says what is wrong and waits, and neither takes the log from the other again.
func TestSinkTakenByAnotherProcess(t *testing.T) {
	var said bytes.Buffer
	b := open(t, setup{Config: Config{Logger: slog.New(slog.NewTextHandler(&said, nil))}})
	put(t, b, "a 0.1")
	other, err := OpenExisting(deadline(t), b.server, Config{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	next := func(c *Consumer) error {
		_, err := c.Next(deadline(t), make([]Message, 1), 1<<20, time.Time{})
		return err
	}
	first, err := b.Consumer(deadline(t), "main", history.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if err := next(first); err != nil {
		t.Fatal(err)
	}
	second, err := other.Consumer(deadline(t), "main", history.Position{})
	if err != nil {
		t.Fatal(err)
	}
	if err := next(second); err != nil {
		t.Fatal(err)
	}
	if err := next(first); !errors.Is(err, ErrConsumerLost) {
		t.Fatalf("the first one reads on: %v", err)
	}
	for range 3 {
		if _, err := b.Consumer(deadline(t), "main", history.Position{}); !errors.Is(err, ErrSinkTaken) {
			t.Fatalf("the first one begins again: %v", err)
		}
	}
	if n := strings.Count(said.String(), "give the sink main of one of the processes another name"); n != 1 {
		t.Errorf("said %d times:\n%s", n, &said)
	}
	put(t, b, "a 0.2")
	if err := next(second); err != nil {
		t.Fatal(err)
	}
	second.Close()
	for { // the server drops the request of a connection that has ended a little later
		again, err := b.Consumer(deadline(t), "main", history.Position{})
		if err == nil {
			again.Close()
			return
		}
		if !errors.Is(err, ErrSinkTaken) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
