// Package counted writes numbers of things in messages: 1 row, 2 rows. A message has the
// right form of noun and verb for each number.
package counted
