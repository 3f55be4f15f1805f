// Package outage reports something that fails again and again: one log line when
// it begins, one when it is over, and a count and a state in between.
package outage
