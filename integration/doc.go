// Package integration holds the tests of the whole system: restarts, faults,
// data of earlier versions, the pages of the hub, and benchmarks.
package integration
