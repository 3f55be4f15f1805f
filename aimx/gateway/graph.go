package gateway

import (
	"encoding/json"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/records"
)

// graphNode is one row of graph.nodes.
type graphNode struct {
	Key      string      `json:"key"`
	Origin   aimx.Origin `json:"origin"`
	Buffer   string      `json:"buffer_type"`
	Capacity *int        `json:"buffer_capacity"`
	Taps     int         `json:"tap_count"`
	Outbound bool        `json:"has_outbound_link"`
}

// graphEdge is one row of graph.edges. From or To is null outside the database.
type graphEdge struct {
	From *string `json:"from"`
	To   *string `json:"to"`
	Type any     `json:"edge_type"`
}

// tapEdge is the type of an edge from a record to a tap.
type tapEdge struct {
	Tap struct {
		Index int `json:"index"`
	} `json:"tap"`
}

// graph returns the graph of the registry, or an empty one before it is built.
func (s *session) graph() *records.Graph {
	if g := s.server.config.Registry.Graph(); g != nil {
		return g
	}
	return &records.Graph{}
}

func (s *session) graphNodes([]byte) (json.RawMessage, *refusal) {
	g := s.graph()
	nodes := make([]graphNode, 0, len(g.Nodes))
	for _, n := range g.Nodes {
		node := graphNode{Key: n.Key, Origin: originOf(n.Origin), Buffer: n.Kind.String(), Taps: n.Taps}
		if n.Kind == records.Ring {
			node.Capacity = &n.Capacity
		}
		nodes = append(nodes, node)
	}
	return marshal(nodes)
}

func (s *session) graphEdges([]byte) (json.RawMessage, *refusal) {
	g := s.graph()
	edges := make([]graphEdge, 0, len(g.Edges))
	for _, e := range g.Edges {
		edge := graphEdge{From: orNull(e.From), To: orNull(e.To), Type: e.Type}
		if e.Type == "tap" {
			tap := tapEdge{}
			tap.Tap.Index = e.Index
			edge.Type = tap
		}
		edges = append(edges, edge)
	}
	return marshal(edges)
}

func (s *session) graphOrder([]byte) (json.RawMessage, *refusal) {
	return marshal(append([]string{}, s.graph().TopoOrder...))
}

func orNull(key string) *string {
	if key == "" {
		return nil
	}
	return &key
}
