package gateway

import (
	"encoding/json"
	"slices"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/records"
)

// graph returns the graph of the registry, or an empty one before it is built.
func (s *session) graph() *records.Graph {
	if g := s.server.config.Registry.Graph(); g != nil {
		return g
	}
	return &records.Graph{}
}

func (s *session) graphNodes([]byte) (json.RawMessage, *refusal) {
	g := s.graph()
	nodes := make([]aimx.GraphNode, 0, len(g.Nodes))
	for _, n := range g.Nodes {
		if !s.grants.Reads(n.Key) {
			continue
		}
		node := aimx.GraphNode{Key: n.Key, Origin: s.originOf(n.Origin), Buffer: n.Kind.String(), Taps: n.Taps}
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
	byRecord := make(map[string][]aimx.GraphEdge, len(g.Nodes))
	for _, e := range g.Edges {
		if e.From != "" && !s.grants.Reads(e.From) {
			continue // the end is checked below
		}
		if e.Type == "tap" {
			byRecord[e.From] = append(byRecord[e.From], newTapEdge(e.From, e.Index))
		} else {
			byRecord[e.To] = append(byRecord[e.To], aimx.GraphEdge{From: orNull(e.From), To: orNull(e.To), Type: aimx.EdgeType{Kind: e.Type}})
		}
	}
	edges := make([]aimx.GraphEdge, 0, len(g.Edges))
	for _, n := range g.Nodes {
		if !s.grants.Reads(n.Key) {
			continue
		}
		edges = append(edges, byRecord[n.Key]...)
		if n.Logged {
			edges = append(edges, newTapEdge(n.Key, n.Taps))
		}
	}
	return marshal(edges)
}

func newTapEdge(from string, index int) aimx.GraphEdge {
	return aimx.GraphEdge{From: &from, Type: aimx.EdgeType{Kind: "tap", Index: index}}
}

func (s *session) graphOrder([]byte) (json.RawMessage, *refusal) {
	order := append([]string{}, s.graph().TopoOrder...)
	return marshal(slices.DeleteFunc(order, func(key string) bool { return !s.grants.Reads(key) }))
}

func orNull(key string) *string {
	if key == "" {
		return nil
	}
	return &key
}
