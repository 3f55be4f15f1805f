// Package pgtest starts a private PostgreSQL server for the tests of one test binary.
//
// The server has a temporary directory, listens on a free port of loopback, lets
// everybody in as the superuser postgres, and does not wait for the disk: what is committed
// survives that its processes are killed, and no test cuts the power. [Syncing] starts one
// that does, for benchmarks and for tests of faults. A test binary declares one and ends it
// after its tests:
//
//	var server = pgtest.New()
//
//	func TestMain(m *testing.M) { os.Exit(server.Main(m)) }
//
// The first test that asks for a database starts it. A test is skipped if PostgreSQL
// is not installed, and fails instead where CI=true is set.
package pgtest
