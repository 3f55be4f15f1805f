package schema

import (
	"math/big"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// reason says what a value is not. The library shows limits rounded to a float64.
func (s *Schema) reason(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Minimum:
		return "it is less than the minimum of " + exact(k.Want)
	case *kind.Maximum:
		return "it is more than the maximum of " + exact(k.Want)
	case *kind.ExclusiveMinimum:
		return "it is not more than " + exact(k.Want)
	case *kind.ExclusiveMaximum:
		return "it is not less than " + exact(k.Want)
	case *kind.MultipleOf:
		return "it is no multiple of " + exact(k.Want)
	case *kind.AdditionalProperties:
		return "the schema has no such member"
	case *kind.FalseSchema:
		return "the schema allows no value here"
	case *kind.AnyOf, *kind.OneOf:
		if one, ok := k.(*kind.OneOf); ok && len(one.Subschemas) > 0 {
			return "it is more than one of the alternatives"
		}
		return "it is none of the alternatives"
	case *kind.Contains:
		return "no element is what the schema asks for"
	}
	return k.LocalizedString(s.printer)
}

// exact writes a number of a schema with all its digits.
func exact(n *big.Rat) string {
	digits, _ := n.FloatPrec()
	return n.FloatString(digits)
}
