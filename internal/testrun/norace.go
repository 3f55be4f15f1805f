//go:build !race

package testrun

// PerProcessor is how many tests run at once for each processor.
const PerProcessor = 2
