package gateway_test

import (
	"bufio"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestProtocolRows checks testdata/protocol.txt: each behaviour that was observed of upstream
// names a test, and that test exists.
func TestProtocolRows(t *testing.T) {
	tests := map[string]bool{}
	for _, dir := range []string{".", "..", "../internal/wire", "../../key", "../../integration"} {
		paths, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s has no tests: %v", dir, err)
		}
		for _, path := range paths {
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, declared := range file.Decls {
				if f, ok := declared.(*ast.FuncDecl); ok && f.Recv == nil {
					tests[f.Name.Name] = true
				}
			}
		}
	}
	file, err := os.Open("testdata/protocol.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, file)
	rows := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		rows++
		section, rest, _ := strings.Cut(line, " | ")
		behaviour, names, split := strings.Cut(rest, " | ")
		if !split || section == "" || behaviour == "" {
			t.Errorf("the row %q is not SECTION | BEHAVIOUR | TESTS", line)
		}
		for name := range strings.FieldsSeq(names) {
			if !tests[name] {
				t.Errorf("%s: there is no test %s for %q", section, name, behaviour)
			}
		}
	}
	if rows < 50 {
		t.Errorf("only %d rows", rows)
	}
}

// TestVersionsOfHello: what is before the first dot must be 3. The connection goes on.
func TestVersionsOfHello(t *testing.T) {
	h := open(t)
	for _, p := range h.peers(t) {
		for version, ok := range map[string]bool{`"3"`: true, `"3.0"`: true, `"3.9"`: true, `"3.x"`: true, `"2.0"`: false, `"3x"`: false, `" 3"`: false, `"33"`: false, `3`: false, `null`: false, `""`: false} {
			p.send(t, `{"t":"req","id":1,"method":"hello","params":{"version":`+version+`}}`)
			got := p.next(t)
			if ok != strings.HasPrefix(got, `{"t":"reply","id":1,"ok":{"version":"3.0"`) || !ok && !strings.HasPrefix(got, `{"t":"reply","id":1,"err":"version_mismatch"`) {
				t.Errorf("version %s: %s", version, got)
			}
		}
	}
}

// TestLongLine: a line of 3 MB is a frame like any other.
func TestLongLine(t *testing.T) {
	p := open(t).linePeer(t)
	exchange(t, p, `{"t":"ping","x":"`+strings.Repeat("x", 3<<20)+`"}`, `{"t":"pong"}`)
}

// TestLastLineWithoutALineFeed counts too, and so do blank lines and carriage returns.
func TestLastLineWithoutALineFeed(t *testing.T) {
	p := open(t).linePeer(t)
	if _, err := p.conn.Write([]byte("\n\r\n  {\"t\":\"ping\"} \r\n{\"t\":\"req\",\"id\":7,\"method\":\"none\"}")); err != nil {
		t.Fatal(err)
	}
	if err := p.conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	expect(t, p, `{"t":"pong"}`)
	if got := p.next(t); !strings.HasPrefix(got, `{"t":"reply","id":7,"err":"not_found"`) {
		t.Errorf("got %s", got)
	}
	ends(t, p)
}

// TestWritesThatCannotBe: a write of the wrong type, to a record that is not writable or to
// none, changes nothing and is not answered.
func TestWritesThatCannotBe(t *testing.T) {
	h := open(t)
	h.tuned.Produce(settings{1})
	p := h.linePeer(t)
	for _, frame := range []string{
		`{"t":"write","topic":"hub.settings","payload":{"value":"warm"}}`, `{"t":"write","topic":"hub.settings","payload":{"value":7}}`, `{"t":"write","topic":"hub.settings"}`,
		`{"t":"write","topic":"attic.door","payload":{"ppm":1}}`, `{"t":"write","topic":"nothing","payload":1}`, `{"t":"write","topic":"hub.*","payload":{"tolerance_celsius":2}}`,
	} {
		p.send(t, frame)
		barrier(t, p)
	}
	if v, _ := h.tuned.Latest(); v.Tolerance != 1 {
		t.Errorf("it was set to %v", v)
	}
}

// TestLimitOfSubscriptionsComesFirst: past the limit even a topic that is unknown is denied.
func TestLimitOfSubscriptionsComesFirst(t *testing.T) {
	p := open(t).linePeer(t)
	for id := range 32 { // they count although they match nothing
		p.send(t, fmt.Sprintf(`{"t":"sub","id":%d,"topic":"none.*"}`, id))
	}
	barrier(t, p)
	exchange(t, p, `{"t":"sub","id":99,"topic":"nothing"}`, `{"t":"reply","id":99,"err":"denied"}`)
	p.send(t, `{"t":"unsub","sub":"7"}`)
	exchange(t, p, `{"t":"sub","id":99,"topic":"nothing"}`, `{"t":"reply","id":99,"err":"not_found"}`)
}
