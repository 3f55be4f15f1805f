package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// aroundBlocks is what the blocks of Go in the documents take as given.
const aroundBlocks = `package main

import (
	"context"
	"log"
	"log/slog"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/httpapi"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/metrics"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
	"github.com/aimdb-go/aimdb/sinks/postgres"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
	"github.com/aimdb-go/aimdb/tracing"
)

type (
	Temperature struct{ Celsius float64 }
	Validation  struct{ Error float64 }
	Celsius     struct{ Celsius float64 }
	Kelvin      struct {
		Kelvin float64
		Place  string
	}
)

var (
	ctx                               context.Context
	err                               error
	db                                *aimdb.DB
	config                            aimdb.Config
	store                             *sqlite.Store
	temp                              *aimdb.Record[Temperature]
	start, end, yesterday, from       time.Time
	width                             time.Duration
	sensor                            chan Temperature
	provider trace.TracerProvider
	sink sinks.Sink
	t                                 *testing.T
	newValidator                      func() aimdb.TransformFunc[Temperature, Validation]
)

func main() {}
`

// TestDocumentedGo compiles the blocks of Go in the documents, but for those that are a whole
// file: other tests run these. "{ ... }" stands for what the reader does.
func TestDocumentedGo(t *testing.T) {
	t.Parallel()
	var source strings.Builder
	source.WriteString(aroundBlocks)
	n := 0
	for _, document := range documents(t) {
		for _, b := range blocks(t, document) {
			if b.language != "go" || strings.HasPrefix(b.text, "package ") || strings.Contains(b.text, "\nfunc ") {
				continue
			}
			n++
			text := strings.NewReplacer("Entry{ ... }", "Entry{}", "{ ... }", "{ panic(err) }").Replace(b.text)
			fmt.Fprintf(&source, "\nfunc block%d() {\n//line %s:%d\n%s}\n", n, filepath.Base(document), b.line+1, text)
		}
	}
	if n < 10 {
		t.Errorf("there are only %d blocks", n)
	}
	path := filepath.Join(t.TempDir(), "main.go")
	must(t, os.WriteFile(path, []byte(source.String()), 0o600))
	build := exec.Command("go", "build", "-gcflags=-e", "-o", os.DevNull, path)
	build.Dir = root
	out, err := build.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		fault := !strings.HasPrefix(line, "#") && !strings.Contains(line, "declared and not used") && !strings.Contains(line, "imported and not used")
		if fault {
			t.Error(strings.TrimSpace(line))
		}
	}
	if len(out) == 0 && err != nil {
		t.Error(err)
	}
}

// TestDocumentedOutput: what docs/USE.md shows as output is that of a checked example.
func TestDocumentedOutput(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "example_test.go"))
	must(t, err)
	examples := strings.ReplaceAll(string(text), "\t// ", "")
	for _, b := range blocksOf(t, "docs/USE.md", "Inside the program", "") {
		if !strings.Contains(examples, "Output:\n"+b.text) {
			t.Errorf("%s: no example prints %s", b, b.text)
		}
	}
}
