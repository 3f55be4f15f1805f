package aimx

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// GraphNode is one row of graph.nodes: a record in the graph of a database.
type GraphNode struct {
	Key    string `json:"key"`
	Origin Origin `json:"origin"`
	// Buffer is "spmc_ring", "single_latest", "mailbox" or "none". Capacity is nil
	// without a ring.
	Buffer   string `json:"buffer_type"`
	Capacity *int   `json:"buffer_capacity"`
	Taps     int    `json:"tap_count"`
	Outbound bool   `json:"has_outbound_link"`
}

// GraphEdge is one row of graph.edges: a path of values. From or To is nil outside the
// database.
type GraphEdge struct {
	From *string  `json:"from"`
	To   *string  `json:"to"`
	Type EdgeType `json:"edge_type"`
}

// EdgeType is the kind of an edge. On the wire it is a word or an object with one
// member.
type EdgeType struct {
	// Kind is "source", "transform", "transform_join", "tap", "link" or "link_out".
	Kind string
	// Index is the ordinal of a tap of its record, from 0.
	Index int
	// Protocol is set for a link.
	Protocol string
}

type (
	edgeTap struct {
		Index int `json:"index"`
	}
	edgeLink struct {
		Protocol string `json:"protocol"`
	}
	edgeObject struct {
		Tap  *edgeTap  `json:"tap,omitempty"`
		Link *edgeLink `json:"link,omitempty"`
		Out  *edgeLink `json:"link_out,omitempty"`
	}
)

// MarshalJSON implements json.Marshaler.
func (t EdgeType) MarshalJSON() ([]byte, error) {
	switch t.Kind {
	case "tap":
		return json.Marshal(edgeObject{Tap: &edgeTap{t.Index}})
	case "link":
		return json.Marshal(edgeObject{Link: &edgeLink{t.Protocol}})
	case "link_out":
		return json.Marshal(edgeObject{Out: &edgeLink{t.Protocol}})
	}
	return json.Marshal(t.Kind)
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *EdgeType) UnmarshalJSON(data []byte) error {
	*t = EdgeType{}
	if wire.IsString(data) {
		return json.Unmarshal(data, &t.Kind)
	}
	var object edgeObject
	if err := json.Unmarshal(data, &object); err != nil {
		return err
	}
	switch {
	case object.Tap != nil:
		*t = EdgeType{Kind: "tap", Index: object.Tap.Index}
	case object.Link != nil:
		*t = EdgeType{Kind: "link", Protocol: object.Link.Protocol}
	case object.Out != nil:
		*t = EdgeType{Kind: "link_out", Protocol: object.Out.Protocol}
	default:
		return fmt.Errorf("unknown edge type %.60s", data)
	}
	return nil
}

// GraphNodes returns the records of the server's graph, in the order of their
// registration.
func (c *Client) GraphNodes(ctx context.Context) ([]GraphNode, error) {
	return list[GraphNode](ctx, c, wire.MethodGraphNodes)
}

// GraphEdges returns the paths of values: of each record the edges into it, then its
// taps.
func (c *Client) GraphEdges(ctx context.Context) ([]GraphEdge, error) {
	return list[GraphEdge](ctx, c, wire.MethodGraphEdges)
}

// GraphOrder returns all keys, the inputs of a record before the record.
func (c *Client) GraphOrder(ctx context.Context) ([]string, error) {
	return list[string](ctx, c, wire.MethodGraphOrder)
}

// list calls a method that takes nothing and returns an array.
func list[T any](ctx context.Context, c *Client, method string) ([]T, error) {
	raw, err := c.call(ctx, method, "", nil)
	if err != nil {
		return nil, err
	}
	var rows []T
	err = c.decode(method, raw, &rows)
	return rows, err
}
