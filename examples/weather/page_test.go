package weather

import (
	"io/fs"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestPageServesItsFilesUnderAStrictPolicy(t *testing.T) {
	for path, want := range map[string]struct {
		code int
		kind string
	}{
		"/":            {200, "text/html; charset=utf-8"},
		"/main.js":     {200, "text/javascript; charset=utf-8"},
		"/style.css":   {200, "text/css; charset=utf-8"},
		"/favicon.svg": {200, "image/svg+xml"},
		"/nothing":     {404, ""},
		"/../page.go":  {404, ""},
	} {
		w := httptest.NewRecorder()
		Page().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != want.code || want.kind != "" && w.Header().Get("Content-Type") != want.kind {
			t.Errorf("%s: %d %s, want %d %s", path, w.Code, w.Header().Get("Content-Type"), want.code, want.kind)
		}
		if got := w.Header().Get("Content-Security-Policy"); got != contentPolicy {
			t.Errorf("%s: the policy is %q", path, got)
		}
	}
}

func TestPageAnswersNotModified(t *testing.T) {
	first := httptest.NewRecorder()
	Page().ServeHTTP(first, httptest.NewRequest("GET", "/", nil))
	again := httptest.NewRequest("GET", "/", nil)
	again.Header.Set("If-None-Match", first.Header().Get("ETag"))
	w := httptest.NewRecorder()
	Page().ServeHTTP(w, again)
	if w.Code != 304 || w.Body.Len() != 0 {
		t.Errorf("%d with %d bytes, want 304 with none", w.Code, w.Body.Len())
	}
}

// The page must work where there is no other host to ask.
func TestPageLoadsNothingFromElsewhere(t *testing.T) {
	loads := regexp.MustCompile(`(?i)(src\s*=|<link[^>]*href\s*=|import[^;]*from|fetch\(|@import|url\()\s*["']?(https?:)?//`)
	err := fs.WalkDir(pageFiles, "page", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(pageFiles, path)
		if found := loads.FindString(strings.ReplaceAll(string(text), "xmlns", "")); found != "" {
			t.Errorf("%s loads from elsewhere: %s", path, found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
