// Package jsonrule is the one rule for the JSON of a value, for every door
// that a value comes in or goes out by.
//
//   - A value is one JSON value in valid UTF-8.
//   - It does not begin with a byte order mark. A file of values may begin with
//     one, which [SkipMark] takes off; anywhere else it is an error.
//   - Objects and arrays nest at most [MaxDepth] levels deep.
//   - Of several members of one name in an object the last one counts, as in
//     encoding/json, in JavaScript and in upstream AimDB. The value keeps all of
//     them.
package jsonrule
