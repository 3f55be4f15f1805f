package pump_test

import (
	"errors"
	"testing"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/natsd"
)

// openLog opens the log of the database "test" in an embedded server. Without a
// directory it is in memory.
func openLog(t testing.TB, dir string, c bus.Config) (b *bus.Bus, closeLog func() error) {
	t.Helper()
	if c.Name == "" {
		c.Name = "test"
	}
	server, err := natsd.Open(natsd.Config{
		Name: c.Name, Dir: dir, Stream: bus.StreamName(c.Name), Subjects: bus.ReadSubjects(c.Name),
		MaxMessage: bus.DefaultMaxMessage, SyncAlways: c.Durable,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Memory = dir == ""
	c.Publisher = func() bus.Publisher { return server.Publisher() }
	b, err = bus.Open(t.Context(), server, c)
	if err != nil {
		t.Fatal(errors.Join(err, server.Close()))
	}
	return b, func() error { return errors.Join(b.Close(), server.Close()) }
}
