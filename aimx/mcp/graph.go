package mcp

import (
	"context"
	"encoding/json"
)

type graphArguments struct {
	at
	Cursor string `json:"cursor,omitempty" jsonschema:"next_cursor of the answer before"`
}

type nodesAnswer struct {
	Nodes []json.RawMessage `json:"nodes" jsonschema:"one for each record: key, origin, buffer_type, buffer_capacity, tap_count, has_outbound_link"`
	rest
}

type edgesAnswer struct {
	Edges []json.RawMessage `json:"edges" jsonschema:"from, to and edge_type; from or to is null outside of the database"`
	rest
}

type orderAnswer struct {
	Order []string `json:"order" jsonschema:"keys of records, inputs before outputs"`
	rest
}

func (s *Server) addGraphTools() {
	addTool(s, tool{name: "graph_nodes", title: "Records as a graph",
		description: "List the nodes of the graph of records: how each gets its values, and who reads it."},
		func(ctx context.Context, in graphArguments) (answer nodesAnswer, err error) {
			answer.Nodes, answer.rest, err = graphOf[json.RawMessage](ctx, s, in, "graph.nodes")
			return answer, err
		})
	addTool(s, tool{name: "graph_edges", title: "What flows where",
		description: "List the edges of the graph of records: which record is made from which."},
		func(ctx context.Context, in graphArguments) (answer edgesAnswer, err error) {
			answer.Edges, answer.rest, err = graphOf[json.RawMessage](ctx, s, in, "graph.edges")
			return answer, err
		})
	addTool(s, tool{name: "graph_topo_order", title: "Order of the records",
		description: "List the records in an order where inputs come before outputs."},
		func(ctx context.Context, in graphArguments) (answer orderAnswer, err error) {
			answer.Order, answer.rest, err = graphOf[string](ctx, s, in, "graph.topo_order")
			return answer, err
		})
}

func graphOf[T any](ctx context.Context, s *Server, in graphArguments, method string) ([]T, rest, error) {
	c, err := parseCursor(in.Cursor, method, in.Endpoint)
	if err != nil {
		return nil, rest{}, err
	}
	var list []T
	if err := s.call(ctx, in.at, method, &list); err != nil {
		return nil, rest{}, err
	}
	shown, left := part(s.config.AnswerBytes, list, c, 0)
	return shown, left, nil
}
