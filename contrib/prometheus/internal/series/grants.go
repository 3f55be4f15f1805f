package series

import (
	"context"

	"github.com/aimdb-go/aimdb/access"
)

// grantsKey is the key of grants in a context.
type grantsKey struct{}

// WithGrants returns a context whose queries see only the series of records that may be
// read. Nil grants allow all.
func WithGrants(ctx context.Context, g *access.Grants) context.Context {
	return context.WithValue(ctx, grantsKey{}, g)
}

// reads reports whether the grants of a context cover a record. Without grants, they do.
func reads(ctx context.Context, record string) bool {
	g, _ := ctx.Value(grantsKey{}).(*access.Grants)
	return g.Reads(record)
}
