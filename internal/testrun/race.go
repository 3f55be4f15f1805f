//go:build race

package testrun

// PerProcessor is how many tests run at once for each processor. Under the race detector
// they compute more than they wait.
const PerProcessor = 1
