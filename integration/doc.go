// Package integration holds the tests of the whole system under faults: kills, full disks,
// outages, damage, data of earlier versions; and benchmarks. The tests of a running hub and
// its pages are in the package hub below it.
package integration
