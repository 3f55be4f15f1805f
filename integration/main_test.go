package integration

import (
	"fmt"
	"os"
	"testing"
)

// childVariable makes the test binary be a child process of a test instead: the
// program of that name, with the arguments of the command line.
const childVariable = "AIMDB_TEST_CHILD"

func TestMain(m *testing.M) {
	children := map[string]func(args []string) error{
		"writer":     runWriter,
		"dynamic":    runDynamic,
		"late":       runLate,
		"locker":     runLocker,
		"idle":       runIdle,
		"wire":       runWire,
		"subscriber": runSubscriber,
		"flusher":    runFlusher,
		"soakwriter": runSoakWriter,
		"soaksink":   runSoakSink,
	}
	name := os.Getenv(childVariable)
	if name == "" {
		os.Exit(postgresServer.Main(m))
	}
	if err := children[name](os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
