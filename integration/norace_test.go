//go:build !race

package integration

// slower divides how often a test repeats what chance decides.
const slower = 1
