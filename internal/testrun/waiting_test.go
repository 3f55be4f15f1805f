package testrun_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/aimdb-go/aimdb/internal/testrun"
)

func TestMain(m *testing.M) { os.Exit(testrun.Waiting(m)) }

// wanted is the variable that says to the binary how many tests are to run at once.
const wanted = "AIMDB_TEST_PARALLEL"

// TestWaiting: the default is PerProcessor tests for each processor, and the flag prevails.
func TestWaiting(t *testing.T) {
	if want := os.Getenv(wanted); want != "" {
		if got := flag.Lookup("test.parallel").Value.String(); got != want {
			t.Errorf("%s tests run at once, want %s", got, want)
		}
		return
	}
	for want, args := range map[string][]string{
		fmt.Sprint(testrun.PerProcessor * runtime.GOMAXPROCS(0)): nil,
		"7": {"-test.parallel=7"},
	} {
		cmd := exec.Command(os.Args[0], args...)
		cmd.Env = append(os.Environ(), wanted+"="+want)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}
