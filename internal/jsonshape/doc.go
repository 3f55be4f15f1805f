// Package jsonshape describes what encoding/json writes for a Go type. A shape says
// which members the objects of a value must have, where null is allowed, and where a
// number is a float. It is made once for each type.
//
//   - [Shape.Check] finds members that are missing or null. encoding/json reads such a
//     value without an error and leaves the Go value zero there.
//   - [Encoder] writes floats of whole value with a fraction.
//
// What encoding/json writes for a value of the type passes
// Check, unless a method of the type writes it or it nests too deep to be read.
package jsonshape
