package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentedLinks: what a document links to is there, with its heading. So is each document
// that a file of the repository names by its path.
func TestDocumentedLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	named := regexp.MustCompile(`\bdocs/[\w./-]+\.md\b`)
	fences := regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	links, names := 0, 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(file, filepath.FromSlash(root+"/")))
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata" || d.Name() == "artifacts" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		switch filepath.Ext(file) {
		case ".md", ".go", ".yaml", ".js", ".service":
		default:
			return nil
		}
		text := readDocument(t, name)
		if strings.Contains(text, "docs/") && name != "CHANGELOG.md" { // which has documents as they were
			for _, document := range named.FindAllString(text, -1) {
				names++
				if _, err := os.Stat(filepath.Join(root, document)); err != nil {
					t.Errorf("%s names %s: %v", name, document, err)
				}
			}
		}
		if filepath.Ext(file) != ".md" {
			return nil
		}
		for _, m := range link.FindAllStringSubmatch(fences.ReplaceAllString(text, ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			target, anchor, _ := strings.Cut(m[1], "#")
			to := name
			if target != "" {
				to = path.Join(path.Dir(name), target)
			}
			if _, err := os.Stat(filepath.Join(root, to)); err != nil {
				t.Errorf("%s links %s: %v", name, m[1], err)
				continue
			}
			if anchor != "" && !anchors(readDocument(t, to))[anchor] {
				t.Errorf("%s links %s: %s has no such heading", name, m[1], to)
			}
		}
		return nil
	})
	must(t, err)
	if links < 100 || names < 30 {
		t.Errorf("there are only %d links and %d names", links, names)
	}
}

// anchors returns the anchors of the headings of a document, as GitHub makes them.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		letters := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		found[strings.ReplaceAll(letters, " ", "-")] = true
	}
	return found
}
