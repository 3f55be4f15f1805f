package history

import (
	"context"
	"encoding/json"
)

// Shaped is a history that knows the shape of each row, and can rewrite rows.
type Shaped interface {
	// Shapes returns the versions that the rows of a record may have, in ascending order.
	// One that no row has any more may be among them.
	Shapes(ctx context.Context, record string) ([]int, error)
	// Rewrite passes each row that was stored when it began to upgrade, in the order of
	// the IDs, and stores the value and the shape that this returns in place of those of
	// the row. A row for which upgrade returns an error or its own shape stays as it is.
	// Rows are rewritten in transactions of bounded size, beside writes and reads; a
	// rewrite that is interrupted can be run again. Everything else about a row stays:
	// ID, time and order.
	//
	// changed is called after each transaction with the rows that it has rewritten.
	Rewrite(ctx context.Context, upgrade func(Row) (json.RawMessage, int, error), changed func(rows int)) error
}

// MigrateReport says what a migration of a history did.
type MigrateReport struct {
	// Records are those that are registered with migrations and have rows, by name; it is
	// never nil.
	Records []MigratedRecord `json:"records"`
	// Rewritten is the number of rows that have the present shape now and had not, Left
	// of those that could not be upgraded and stay as they are.
	Rewritten int64 `json:"rewritten"`
	Left      int64 `json:"left"`
	// Retimed is the number of rows that have another time now, or now have a time of
	// their own.
	Retimed int64 `json:"retimed,omitempty"`
}

// MigratedRecord is the part of one record in a MigrateReport.
type MigratedRecord struct {
	Record string `json:"record"`
	// Shape is the version of the shape that the record has.
	Shape     int   `json:"shape"`
	Rewritten int64 `json:"rewritten"`
	Left      int64 `json:"left"`
	// Reason is why the first of the rows that are left could not be upgraded.
	Reason string `json:"reason,omitempty"`
}
