// Package schema checks JSON values against a JSON Schema, draft 2020-12 unless the
// schema names another draft. Formats are asserted.
//
// # Schemas
//
// [Load] reads a schema from a file, [Compile] takes its text. A $ref may name a place in
// the same schema, the meta-schema of a draft, or a file in the directory that the caller
// names or below it. Every other reference is an error: nothing is loaded over a network.
// A schema is at most [MaxBytes] long. A $ref that leads back to itself without going into
// the value is an error of Compile, because no check of it would end.
//
// # Values
//
// Numbers are compared exactly, also integers that a float64 cannot hold. 22.0 is an
// integer, as JSON Schema says. A value that fails is refused with the JSON Pointer of the
// first place in it that fails, in the order of the pointers, and a short reason.
//
// A compiled schema is safe for concurrent use.
package schema
