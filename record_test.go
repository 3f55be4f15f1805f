package aimdb_test

import (
	"testing"

	"github.com/aimdb-go/aimdb"
)

// TestSchema: the option names the contract of a record, and without it there is none.
func TestSchema(t *testing.T) {
	db, err := aimdb.New()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	for key, opts := range map[string][]aimdb.RecordOption{"temperature": {aimdb.Schema("temperature")}, "": nil} {
		record, err := aimdb.Register[float64](db, "temp."+key+"x", opts...)
		if err != nil {
			t.Fatal(err)
		}
		if got := record.Untyped().Config().Schema; got != key {
			t.Errorf("the schema is %q, want %q", got, key)
		}
	}
}
