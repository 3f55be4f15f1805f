// Package archtest holds the tests of the project's own rules: what each
// package may import, what it may link, what is documented, and that no package
// keeps state. It has no code of its own.
package archtest
