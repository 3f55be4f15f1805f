// Package integration holds the tests of the whole system, and those of the
// project's own rules: who may import whom, what is documented, and that no
// state hides at package level.
package integration
