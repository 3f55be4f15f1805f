package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// For the benchmark, which sends the same bytes.
var (
	AppendRows = appendRows
	Gathered   = gathered
	CopyText   = copyText
)

// The statements of queries, whose plans a test looks at.
const (
	ForwardText  = forwardText
	BackwardText = backwardText
)

// LatestText reads the newest rows of several records.
func LatestText() string { return ofEach(backwardText) }

// Explain returns the plan of a statement on a connection for readers, as JSON.
func (s *Store) Explain(ctx context.Context, text string, args ...any) (plan string, err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Release()
	prepared, err := conn.Conn().Prepare(ctx, "explained", text)
	if err != nil {
		return "", err
	}
	literals := make([]string, len(prepared.ParamOIDs))
	for i := range literals {
		if names, several := args[i].([]string); several {
			literals[i] = "'{" + strings.Join(names, ",") + "}'"
		} else {
			literals[i] = fmt.Sprintf("'%v'", args[i])
		}
	}
	err = conn.QueryRow(ctx, "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE explained("+strings.Join(literals, ", ")+")").Scan(&plan)
	return plan, errors.Join(err, conn.Conn().Deallocate(ctx, "explained"))
}
