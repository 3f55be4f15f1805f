// Package docfile keeps documents that tests make from the code. A test calls [Check] with the
// text that the document should have.
package docfile
