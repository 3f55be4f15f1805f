// Package hub holds the tests of a whole hub as its users meet it: its pages and the browser
// client in a real browser, the weather example, the command as a process, and a value's way
// through all parts.
package hub
