package testrun

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"
)

// Waiting runs tests, PerProcessor parallel ones for each processor unless the flag -parallel says
// how many, and returns the exit status.
func Waiting(m *testing.M) int {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", strconv.Itoa(PerProcessor*runtime.GOMAXPROCS(0))); err != nil {
			fmt.Fprintln(os.Stderr, "run more tests at once:", err)
			return 1
		}
	}
	return m.Run()
}
