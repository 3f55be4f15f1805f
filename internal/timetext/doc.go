// Package timetext reads and writes the times and durations that people and tools give: in
// RFC 3339, in Unix milliseconds, and as a duration back from now.
package timetext
