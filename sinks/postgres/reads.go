package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/aimdb-go/aimdb/history"
)

var (
	_ history.Reader = (*Store)(nil)
	_ history.Pruner = (*Store)(nil)
)

// querier runs a query on a pool, a connection or a transaction.
type querier interface {
	Query(ctx context.Context, text string, args ...any) (pgx.Rows, error)
}

// each reads the rows of a query into variables, and calls a function after each.
func each(ctx context.Context, on querier, text string, args, into []any, do func()) error {
	rows, err := on.Query(ctx, text, args...)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, into, func() error {
		do()
		return nil
	})
	return err
}

// read is each on a connection of the pool. An error says what was attempted.
func (s *Store) read(ctx context.Context, doing, text string, args, into []any, do func()) error {
	pool, err := s.db(ctx)
	if err != nil {
		return err
	}
	return s.explained(doing, each(ctx, pool, text, args, into, do))
}
