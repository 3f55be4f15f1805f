// Package testrun runs the tests of a binary that mostly wait: for servers, for other
// processes, for a page in a browser. More of them run at once than there are processors.
//
//	func TestMain(m *testing.M) { os.Exit(testrun.Waiting(m)) }
package testrun
