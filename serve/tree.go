package serve

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// place says where a setting was given: a line of a file, a variable, a flag.
type place struct {
	source       string
	line, column int // 0 if the source has none
}

// String is as compilers write it.
func (p place) String() string {
	if p.line == 0 {
		return p.source
	}
	return fmt.Sprintf("%s:%d:%d", p.source, p.line, p.column)
}

// placed is an error about a setting.
type placed struct {
	at  place
	err error
}

// Error implements error.
func (p *placed) Error() string { return p.at.String() + ": " + p.err.Error() }

// Unwrap returns the cause.
func (p *placed) Unwrap() error { return p.err }

// joined returns the errors in the order of their places.
func joined(errs []*placed) error {
	slices.SortStableFunc(errs, func(a, b *placed) int {
		return cmp.Or(cmp.Compare(a.at.line, b.at.line), cmp.Compare(a.at.column, b.at.column))
	})
	all := make([]error, len(errs))
	for i, e := range errs {
		all[i] = e
	}
	return errors.Join(all...)
}

// kind is the kind of a node.
type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	list
	group
)

// String is the kind as errors call it.
func (k kind) String() string {
	return [...]string{"nothing", "true or false", "a number", "text", "a list", "a group of settings"}[k]
}

// node is a setting: a scalar with its text, a list, or a group with names.
type node struct {
	at      place
	kind    kind
	text    string
	list    []*node
	members []member
}

// member is a named setting of a group, in the order of the file.
type member struct {
	name  string
	at    place
	value *node
}

// get returns a member of a group, nil if it has none of that name.
func (n *node) get(name string) *node {
	if n == nil {
		return nil
	}
	if i := n.index(name); i >= 0 {
		return n.members[i].value
	}
	return nil
}

func (n *node) index(name string) int {
	return slices.IndexFunc(n.members, func(m member) bool { return m.name == name })
}

// merge puts the settings of over into the group n. Groups are merged, everything else is
// replaced.
func (n *node) merge(over *node) {
	for _, m := range over.members {
		i := n.index(m.name)
		switch {
		case i < 0:
			n.members = append(n.members, m)
		case n.members[i].value.kind == group && m.value.kind == group:
			n.members[i].value.merge(m.value)
		default:
			n.members[i] = m
		}
	}
}

// nest returns a group that has one setting, at the end of a path.
func nest(path []string, value *node) *node {
	for _, name := range slices.Backward(path) {
		value = &node{at: value.at, kind: group, members: []member{{name, value.at, value}}}
	}
	return value
}
