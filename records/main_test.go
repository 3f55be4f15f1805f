package records_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb/records"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// register makes a record or ends the test.
func register[T any](t testing.TB, r *records.Registry, key string, c records.Config) *records.Record[T] {
	t.Helper()
	record, err := records.Register[T](r, key, c)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

// check ends the test if a stage was not declared.
func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ring(n int) records.Config { return records.Config{Kind: records.Ring, Capacity: n} }

func logged(n int) records.Config {
	return records.Config{Kind: records.Ring, Capacity: n, Logged: true}
}
