// Package key holds the names of records: keys, and the patterns that select
// them.
//
// A [Key] is 1 to 200 bytes of printable UTF-8, made of segments that are
// separated by '.' or '::'. A [Pattern] has the same shape; its segment '*'
// matches exactly one segment and '#' matches zero or more. The matching rule is
// that of AimX 3.0, widened so that both separators are tried.
//
// All values are immutable and safe for concurrent use. Errors name the key or
// the pattern, and say which character or segment is wrong.
package key
