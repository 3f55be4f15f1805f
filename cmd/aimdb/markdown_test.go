package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is where the documents are, and where their commands run.
const root = "../.."

// block is a fenced block of a document.
type block struct {
	document string
	section  string // the heading of the second level above it
	heading  string // the nearest heading above it
	language string // none if it is empty
	text     string
	line     int
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.document, b.line) }

// commands returns the lines of a shell block without comments.
func (b block) commands() (lines []string) {
	for line := range strings.Lines(b.text) {
		line, _, _ = strings.Cut(line, " #")
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines
}

// documents returns the documents that tell people what to do, in order of their names.
func documents(t *testing.T) (names []string) {
	t.Helper()
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/how-to/*.md", "docs/explanation/*.md", "contrib/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			if name := filepath.ToSlash(strings.TrimPrefix(path, filepath.FromSlash(root+"/"))); name != "CHANGELOG.md" {
				names = append(names, name)
			}
		}
	}
	if !slices.Contains(names, "README.md") || !slices.Contains(names, "docs/how-to/embed.md") {
		t.Fatalf("the documents are %q", names)
	}
	return names
}

func readDocument(t *testing.T, document string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, document))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blocks returns the fenced blocks of a document. A block in a list loses its indent.
func blocks(t *testing.T, document string) (all []block) {
	t.Helper()
	at, open, indent := block{document: document}, false, ""
	for i, line := range strings.Split(readDocument(t, document), "\n") {
		fence, fenced := strings.CutPrefix(strings.TrimLeft(line, " "), "```")
		heading := strings.TrimLeft(line, "#")
		switch {
		case fenced && open:
			all, open = append(all, at), false
		case fenced:
			at.language, at.line, at.text, open = fence, i+1, "", true
			indent, _, _ = strings.Cut(line, "`")
		case open:
			at.text += strings.TrimPrefix(line, indent) + "\n"
		case heading != line:
			at.heading = strings.TrimSpace(heading)
			if strings.HasPrefix(line, "## ") {
				at.section = at.heading
			}
		}
	}
	return all
}

// blocksOf returns the blocks of a language, below a heading of the second level if it is not
// empty. There is at least one.
func blocksOf(t *testing.T, document, section, language string) []block {
	t.Helper()
	found := slices.DeleteFunc(blocks(t, document), func(b block) bool {
		return b.language != language || section != "" && b.section != section && b.heading != section
	})
	if len(found) == 0 {
		t.Fatalf("%s has no block of %s below %q", document, language, section)
	}
	return found
}

// shellLines returns the commands of the shell blocks of a document.
func shellLines(t *testing.T, document, section string) (lines []string) {
	t.Helper()
	for _, b := range blocksOf(t, document, section, "sh") {
		lines = append(lines, b.commands()...)
	}
	return lines
}

// spans returns what a document has between back-ticks outside of its blocks, by heading of
// the second level. What goes on in the next line is one span.
func spans(t *testing.T, document string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	text := regexp.MustCompile("(?ms)^ *```.*?^ *```$").ReplaceAllString(readDocument(t, document), "")
	for i, part := range strings.Split("\n"+text, "\n## ") {
		section := ""
		if i > 0 {
			section, part, _ = strings.Cut(part, "\n")
		}
		for _, span := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(part, -1) {
			found[section] = append(found[section], strings.ReplaceAll(strings.Join(strings.Fields(span[1]), " "), `\|`, "|"))
		}
	}
	return found
}

// commandSpans returns the spans of a section that can be typed.
func commandSpans(t *testing.T, document, section string) (lines []string) {
	t.Helper()
	program := regexp.MustCompile(`^(sudo )?(aimdb|go|curl|mosquitto_(pub|sub)|nats|make|tail|podman|systemctl|journalctl|kill|pgrep|promtool|bin/\S+) \S`)
	for _, span := range spans(t, document)[section] {
		if args, ours := ofTheBinary(span); ours && len(args) > 0 || program.MatchString(span) {
			lines = append(lines, span)
		}
	}
	return lines
}
