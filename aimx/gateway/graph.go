package gateway

import (
	"encoding/json"
	"slices"

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
		if !s.grants.reads(n.Key) {
			continue
		}
		node := graphNode{Key: n.Key, Origin: s.originOf(n.Origin), Buffer: n.Kind.String(), Taps: n.Taps}
		if n.Kind == records.Ring {
			node.Capacity = &n.Capacity
		}
		if n.Logged { // upstream persists by a tap
			node.Taps++
		}
		nodes = append(nodes, node)
	}
	return marshal(nodes)
}

func (s *session) graphEdges([]byte) (json.RawMessage, *refusal) {
	g := s.graph()
	byRecord := make(map[string][]graphEdge, len(g.Nodes))
	for _, e := range g.Edges {
		if e.From != "" && !s.grants.reads(e.From) {
			continue // the end is checked below
		}
		if e.Type == "tap" {
			byRecord[e.From] = append(byRecord[e.From], newTapEdge(e.From, e.Index))
		} else {
			byRecord[e.To] = append(byRecord[e.To], graphEdge{From: orNull(e.From), To: orNull(e.To), Type: e.Type})
		}
	}
	edges := make([]graphEdge, 0, len(g.Edges))
	for _, n := range g.Nodes {
		if !s.grants.reads(n.Key) {
			continue
		}
		edges = append(edges, byRecord[n.Key]...)
		if n.Logged {
			edges = append(edges, newTapEdge(n.Key, n.Taps))
		}
	}
	return marshal(edges)
}

func newTapEdge(from string, index int) graphEdge {
	t := tapEdge{}
	t.Tap.Index = index
	return graphEdge{From: &from, Type: t}
}

func (s *session) graphOrder([]byte) (json.RawMessage, *refusal) {
	order := append([]string{}, s.graph().TopoOrder...)
	return marshal(slices.DeleteFunc(order, func(key string) bool { return !s.grants.reads(key) }))
}

func orNull(key string) *string {
	if key == "" {
		return nil
	}
	return &key
}
