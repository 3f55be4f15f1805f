//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// typist types the commands of a document, in one directory, with the ports and paths of the
// test in place of those that the document names.
type typist struct {
	t      *testing.T
	dir    string
	places *strings.Replacer
	env    []string
}

// newTypist skips the test if a program is missing.
func newTypist(t *testing.T, programs ...string) *typist {
	t.Helper()
	for _, program := range append(programs, "bash") {
		if _, err := exec.LookPath(program); err != nil {
			notInstalled(t, program)
		}
	}
	return &typist{t: t, dir: t.TempDir(), places: strings.NewReplacer()}
}

// types runs a line to its end and returns what it printed.
func (m *typist) types(line string) string {
	m.t.Helper()
	return shellIn(m.t, m.dir, "bash", "set -eo pipefail; "+m.places.Replace(line), m.env...)
}

// begins runs a line of the binary that ends when it is stopped. More arguments come after it.
func (m *typist) begins(line string, more ...string) *child {
	m.t.Helper()
	args, ours := ofTheBinary(m.places.Replace(line))
	if !ours {
		m.t.Fatalf("%s is no command of aimdb", line)
	}
	return m.starts(os.Getenv(binaryVariable), append(args, more...)...)
}

// starts runs a program until it is stopped.
func (m *typist) starts(program string, args ...string) *child {
	m.t.Helper()
	c := &child{t: m.t, cmd: exec.Command(program, args...)}
	c.cmd.Dir, c.cmd.Env, c.cmd.Stdout, c.cmd.Stderr = m.dir, append(os.Environ(), m.env...), c, c
	must(m.t, c.cmd.Start())
	m.t.Cleanup(func() {
		c.kill()
		if m.t.Failed() {
			m.t.Logf("%s %s said:\n%s", filepath.Base(program), strings.Join(args, " "), c.output())
		}
	})
	return c
}

// writes makes a file of the directory.
func (m *typist) writes(name, text string) {
	m.t.Helper()
	must(m.t, os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o600))
}
