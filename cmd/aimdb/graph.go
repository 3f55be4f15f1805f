package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
)

func newGraph(env func(string) string) *cobra.Command {
	return group("graph", "Show how values flow between the records of a running database",
		newGraphNodes(env), newGraphEdges(env), newGraphOrder(env), newGraphDot(env))
}

// ordered is one row of graph order.
type ordered struct {
	Position int    `json:"position"`
	Key      string `json:"key"`
}

func newGraphNodes(env func(string) string) *cobra.Command {
	return graphList(env, "nodes", "List the records and where their values come from",
		(*aimx.Client).GraphNodes, []string{"KEY", "ORIGIN", "BUFFER", "CAPACITY", "TAPS", "OUTBOUND"},
		func(_ int, n aimx.GraphNode) (any, []any) {
			return n, []any{n.Key, n.Origin.Kind, n.Buffer, orDash(n.Capacity), n.Taps, yesNo(n.Outbound)}
		})
}

func newGraphEdges(env func(string) string) *cobra.Command {
	return graphList(env, "edges", "List the paths of values; - is outside of the database",
		(*aimx.Client).GraphEdges, []string{"FROM", "TO", "TYPE"},
		func(_ int, e aimx.GraphEdge) (any, []any) {
			return e, []any{outside(e.From), outside(e.To), edgeText(e.Type)}
		})
}

func newGraphOrder(env func(string) string) *cobra.Command {
	return graphList(env, "order", "List the records, the inputs of each before it",
		(*aimx.Client).GraphOrder, []string{"POSITION", "KEY"},
		func(i int, key string) (any, []any) { return ordered{i + 1, key}, []any{i + 1, key} })
}

// graphList is a command that prints a list of the graph. cells returns a row as JSON and
// as cells.
func graphList[T any](env func(string) string, use, short string, ask func(*aimx.Client, context.Context) ([]T, error), head []string, cells func(int, T) (any, []any)) *cobra.Command {
	at := connection{credentials: credentials{env: env}}
	var f format
	c := &cobra.Command{
		Use:     use,
		Short:   short,
		Example: fmt.Sprintf("  aimdb graph %s\n  aimdb graph %[1]s --format json --connect ws://127.0.0.1:8080/ws", use),
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return connected(cmd.Context(), at.target(), &at.credentials, func(client *aimx.Client) error {
				rows, err := ask(client, cmd.Context())
				if err != nil {
					return err
				}
				out := newOutput(cmd.OutOrStdout(), f, 200, head...)
				for i, r := range rows {
					v, line := cells(i, r)
					if err := out.row(v, line...); err != nil {
						return err
					}
				}
				return out.end()
			})
		},
	}
	at.flag(c.Flags())
	f.flag(c.Flags())
	return c
}

func outside(key *string) string {
	if key == nil {
		return "-"
	}
	return *key
}

func orDash(n *int) string {
	if n == nil {
		return "-"
	}
	return strconv.Itoa(*n)
}

func edgeText(t aimx.EdgeType) string {
	switch t.Kind {
	case "tap":
		return fmt.Sprintf("tap %d", t.Index)
	case "link", "link_out":
		return t.Kind + " " + t.Protocol
	}
	return t.Kind
}
