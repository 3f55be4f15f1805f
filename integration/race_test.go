//go:build race

package integration

// slower divides how often a test repeats what chance decides. Under the race detector
// everything takes several times as long, and the tests without it repeat as usual.
const slower = 2
