package schema

import (
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// cycle returns the place of a schema that applies itself to the same value, or "".
func cycle(s *jsonschema.Schema) string {
	c := cycles{state: map[*jsonschema.Schema]int{}}
	c.all(s)
	return c.found
}

// cycles looks for a way from a schema back to it that stays at one value.
type cycles struct {
	state map[*jsonschema.Schema]int // 1 while it is on the way, 2 when it is done
	queue []*jsonschema.Schema
	found string
}

func (c *cycles) all(s *jsonschema.Schema) {
	for c.queue = append(c.queue, s); len(c.queue) > 0 && c.found == ""; {
		next := c.queue[0]
		c.queue = c.queue[1:]
		c.visit(next)
	}
}

func (c *cycles) visit(s *jsonschema.Schema) {
	if s == nil || c.found != "" || c.state[s] == 2 {
		return
	}
	if c.state[s] == 1 {
		_, c.found, _ = strings.Cut(s.Location, "#")
		c.found = "#" + c.found
		return
	}
	c.state[s] = 1
	for _, same := range inPlace(s) {
		c.visit(same)
	}
	c.state[s] = 2
	c.queue = append(c.queue, inside(s)...)
}

// inPlace returns the schemas that one applies to the same value.
func inPlace(s *jsonschema.Schema) []*jsonschema.Schema {
	all := slices.Concat([]*jsonschema.Schema{s.Ref, s.RecursiveRef, s.Not, s.If, s.Then, s.Else}, s.AllOf, s.AnyOf, s.OneOf)
	if s.DynamicRef != nil {
		all = append(all, s.DynamicRef.Ref)
	}
	for _, d := range s.DependentSchemas {
		all = append(all, d)
	}
	for _, d := range s.Dependencies {
		all = append(all, schemasOf(d)...)
	}
	return all
}

// inside returns the schemas that one applies to parts of a value.
func inside(s *jsonschema.Schema) []*jsonschema.Schema {
	all := slices.Concat([]*jsonschema.Schema{s.PropertyNames, s.UnevaluatedProperties, s.Contains, s.Items2020, s.UnevaluatedItems, s.ContentSchema},
		s.PrefixItems, schemasOf(s.Items), schemasOf(s.AdditionalItems), schemasOf(s.AdditionalProperties))
	for _, p := range s.Properties {
		all = append(all, p)
	}
	for _, p := range s.PatternProperties {
		all = append(all, p)
	}
	return all
}

// schemasOf returns the schemas of a member that can also be something else.
func schemasOf(v any) []*jsonschema.Schema {
	switch v := v.(type) {
	case *jsonschema.Schema:
		return []*jsonschema.Schema{v}
	case []*jsonschema.Schema:
		return v
	}
	return nil
}
