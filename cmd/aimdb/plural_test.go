package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMessagesCountWithPlural: no message has a number before a noun that is always in the
// plural: "1 rows".
func TestMessagesCountWithPlural(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 50 {
		t.Fatal(files, err)
	}
	// Nouns after a number. A verb or "of" may follow a number: %d is lost, %d of 3 sites.
	fixed := regexp.MustCompile(`%d (\w+ ){0,2}?\w*[^s\W]s\b`)
	verbs := regexp.MustCompile(`%d (is|was|has|does|ms)\b|looks like`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if part := fixed.FindString(line); part != "" && !verbs.MatchString(line) {
				t.Errorf("%s:%d: %q has one form for every number; use counted.Of", file, i+1, part)
			}
		}
	}
}
