package records

import (
	"fmt"
	"slices"
	"strings"
)

// Origin is where the values of a record come from.
type Origin struct {
	// Kind is "source", "passive" (no stage writes the record), "transform" or
	// "transform_join".
	Kind string
	// Inputs are the keys of the records that the stage reads.
	Inputs []string
}

// Node is a record in the graph.
type Node struct {
	Key      string
	Origin   Origin
	Kind     Kind
	Capacity int
	// Taps is the number of taps. Logged tells whether values go to the log.
	Taps   int
	Logged bool
}

// Edge is a path of values. From and To are keys, "" for the outside.
type Edge struct {
	From, To string
	// Type is "source", "transform", "transform_join" or "tap". Index is the
	// ordinal of a tap of its record, from 0.
	Type  string
	Index int
}

// Graph describes how values flow between records.
type Graph struct {
	// Nodes are in the order of registration.
	Nodes []Node
	// Edges are grouped by record in the order of registration: first the edges
	// into it, then its taps.
	Edges []Edge
	// TopoOrder has all keys, the inputs of a stage before its output.
	TopoOrder []string
}

// Graph returns the graph, nil before Build. After Build, Add adds records without
// stages to it.
func (r *Registry) Graph() *Graph {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if !r.built {
		return nil
	}
	return r.drawGraph()
}

// Origin returns the origin of the record. Before Build every record is passive.
func (u *Untyped) Origin() Origin {
	if s := u.registry.producerOf(u); s != nil {
		return s.origin()
	}
	return Origin{Kind: "passive"}
}

func (s *stage) origin() Origin {
	o := Origin{Kind: s.kind.String()}
	for _, in := range s.inputs {
		o.Inputs = append(o.Inputs, in.key.String())
	}
	return o
}

// drawGraph makes the graph of a registry that is built.
func (r *Registry) drawGraph() *Graph {
	g := &Graph{}
	for _, u := range r.records {
		n := Node{Key: u.key.String(), Origin: Origin{Kind: "passive"}, Kind: u.config.Kind, Capacity: u.capacity, Logged: u.config.Logged}
		for _, s := range r.producers[u] {
			n.Origin = s.origin()
			g.addInbound(s)
		}
		for _, s := range r.readers[u] {
			if s.kind == TapStage {
				g.Edges = append(g.Edges, Edge{From: u.key.String(), Type: "tap", Index: s.index})
				n.Taps++
			}
		}
		g.Nodes = append(g.Nodes, n)
	}
	for _, u := range r.order {
		g.TopoOrder = append(g.TopoOrder, u.key.String())
	}
	return g
}

func (g *Graph) addInbound(s *stage) {
	to := s.output.key.String()
	if s.kind == SourceStage {
		g.Edges = append(g.Edges, Edge{To: to, Type: "source"})
	}
	for _, in := range s.inputs {
		g.Edges = append(g.Edges, Edge{From: in.key.String(), To: to, Type: s.kind.String()})
	}
}

// DOT returns the graph in the DOT language of Graphviz.
func (g *Graph) DOT() string {
	var b strings.Builder
	b.WriteString("digraph records {\n\trankdir=LR;\n\tnode [shape=box];\n")
	for _, n := range g.Nodes {
		label := n.Key + `\n` + n.Kind.String()
		if n.Kind == Ring {
			label += fmt.Sprintf(" %d", n.Capacity)
		}
		if n.Logged {
			label += `\nlogged`
		}
		fmt.Fprintf(&b, "\t\"%s\" [label=\"%s\"];\n", n.Key, label) // keys have no quotes
	}
	for i, e := range g.Edges {
		switch e.Type {
		case "source":
			fmt.Fprintf(&b, "\tsource%d [shape=circle label=\"\"];\n\tsource%d -> \"%s\" [label=source];\n", i, i, e.To)
		case "tap":
			fmt.Fprintf(&b, "\ttap%d [shape=plaintext label=\"tap %d\"];\n\t\"%s\" -> tap%d [style=dashed];\n", i, e.Index, e.From, i)
		default:
			fmt.Fprintf(&b, "\t\"%s\" -> \"%s\" [label=%s];\n", e.From, e.To, e.Type)
		}
	}
	b.WriteString("}\n")
	return b.String()
}

// producerOf returns the stage that writes a record, nil if there is none.
func (r *Registry) producerOf(u *Untyped) *stage {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if made := r.producers[u]; len(made) > 0 {
		return made[0]
	}
	return nil
}

// stagesOf returns the stages that write a record, followed by its taps.
func (r *Registry) stagesOf(u *Untyped) []*stage {
	r.mu.RLock()
	defer r.mu.RUnlock()
	stages := slices.Clone(r.producers[u])
	for _, s := range r.readers[u] {
		if s.kind == TapStage {
			stages = append(stages, s)
		}
	}
	return stages
}

// addStages adds the stages of a record to its metrics.
func (r *Registry) addStages(u *Untyped, m *Metrics) {
	for _, s := range r.stagesOf(u) {
		m.Stages = append(m.Stages, s.metrics())
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	m.Producers, m.Consumers = len(r.producers[u]), len(r.readers[u])
}
