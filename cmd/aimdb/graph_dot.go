package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
)

func newGraphDot(env func(string) string) *cobra.Command {
	at := connection{credentials: credentials{env: env}}
	var name string
	c := &cobra.Command{
		Use:   "dot",
		Short: "Print the graph for Graphviz",
		Example: `  aimdb graph dot | dot -Tsvg > graph.svg
  aimdb graph dot --name weather --connect /tmp/hub.sock`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return connected(cmd.Context(), at.target(), &at.credentials, func(client *aimx.Client) error {
				nodes, err := client.GraphNodes(cmd.Context())
				if err != nil {
					return err
				}
				edges, err := client.GraphEdges(cmd.Context())
				if err != nil {
					return err
				}
				return writeDot(cmd.OutOrStdout(), name, nodes, edges)
			})
		},
	}
	at.flag(c)
	c.Flags().StringVarP(&name, "name", "n", "aimdb", "name of the graph")
	return c
}

// writeDot writes a graph in the language of Graphviz. Edges from or to the outside are
// left out, as upstream does.
func writeDot(to io.Writer, name string, nodes []aimx.GraphNode, edges []aimx.GraphEdge) error {
	w := bufio.NewWriter(to)
	fmt.Fprintf(w, "digraph %s {\n  rankdir=TB;\n  node [shape=box, style=\"rounded,filled\"];\n\n", dotID(name))
	for _, n := range nodes {
		fmt.Fprintf(w, "  %s [label=\"%s\\n(%s)\", fillcolor=%s];\n", dotID(n.Key), dotText(n.Key), dotText(n.Origin.Kind), dotColor(n.Origin.Kind))
	}
	fmt.Fprintln(w)
	for _, e := range edges {
		if e.From != nil && e.To != nil {
			fmt.Fprintf(w, "  %s -> %s [style=bold, color=blue];\n", dotID(*e.From), dotID(*e.To))
		}
	}
	fmt.Fprintln(w, "}")
	return w.Flush()
}

// dotID quotes a name: keys have dots and colons, which mean something without quotes.
func dotID(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\x00", "").Replace(s) + `"`
}

// dotText escapes a text inside of a label, where \N and &amp; mean something.
func dotText(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "&", "&amp;", "\n", `\n`, "\x00", "").Replace(s)
}

// dotColor is the color that upstream gives an origin.
func dotColor(origin string) string {
	switch origin {
	case "source":
		return "lightblue"
	case "link":
		return "lightgreen"
	case "transform", "transform_join":
		return "lightyellow"
	}
	return "lightgray"
}
