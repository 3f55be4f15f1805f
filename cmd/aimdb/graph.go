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
		func(n aimx.GraphNode) []any {
			return []any{n.Key, n.Origin.Kind, n.Buffer, orDash(n.Capacity), n.Taps, yesNo(n.Outbound)}
		})
}

func newGraphEdges(env func(string) string) *cobra.Command {
	return graphList(env, "edges", "List the paths of values; - is outside of the database",
		(*aimx.Client).GraphEdges, []string{"FROM", "TO", "TYPE"},
		func(e aimx.GraphEdge) []any {
			return []any{outside(e.From), outside(e.To), edgeText(e.Type)}
		})
}

func newGraphOrder(env func(string) string) *cobra.Command {
	return graphList(env, "order", "List the records, the inputs of each before it",
		orderOf, []string{"POSITION", "KEY"},
		func(o ordered) []any { return []any{o.Position, o.Key} })
}

func orderOf(client *aimx.Client, ctx context.Context) (rows []ordered, err error) {
	keys, err := client.GraphOrder(ctx)
	for i, key := range keys {
		rows = append(rows, ordered{i + 1, key})
	}
	return rows, err
}

// graphList is a command that prints a list of the graph.
func graphList[T any](env func(string) string, use, short string, ask func(*aimx.Client, context.Context) ([]T, error), head []string, cells func(T) []any) *cobra.Command {
	at := connection{credentials: credentials{env: env}}
	var f format
	c := &cobra.Command{
		Use:     use,
		Short:   short,
		Example: fmt.Sprintf("  aimdb graph %s\n  aimdb graph %[1]s --format yaml --connect ws://127.0.0.1:8080/ws", use),
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return connected(cmd.Context(), at.target(), &at.credentials, func(client *aimx.Client) error {
				rows, err := ask(client, cmd.Context())
				if err != nil {
					return err
				}
				return printAll(cmd, f, columns(head...), each(rows), cells)
			})
		},
	}
	at.flag(c)
	f.flag(c.Flags())
	return c
}

func outside(key *string) string {
	if key == nil {
		return "-"
	}
	return *key
}

func orDash(n *int) amount {
	if n == nil {
		return "-"
	}
	return amount(strconv.Itoa(*n))
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
