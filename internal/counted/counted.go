package counted

import "fmt"

// Of writes a number and what is counted, with "s" unless there is one of it: 1 row,
// 2 rows.
func Of[N int | int64 | uint64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// Verb chooses the verb of a number: 1 row is, 2 rows are.
func Verb[N int | int64 | uint64](n N, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}
