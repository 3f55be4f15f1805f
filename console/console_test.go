package console

import (
	"bytes"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestHandler(t *testing.T) {
	h := handler(files())
	for _, c := range []struct {
		method, path string
		status       int
		header, want string
	}{
		{"GET", "/console", 301, "Location", "console/"},
		{"GET", "/console/", 200, "Content-Type", "text/html; charset=utf-8"},
		{"HEAD", "/console/app.js", 200, "Content-Type", "text/javascript; charset=utf-8"},
		{"GET", "/console/style.css", 200, "Content-Type", "text/css; charset=utf-8"},
		{"GET", "/console/icon.svg", 200, "Content-Type", "image/svg+xml"},
		{"GET", "/console/vendor/uplot.LICENSE", 200, "Cache-Control", "no-cache"},
		{"GET", "/console/pages/record.js", 200, "X-Content-Type-Options", "nosniff"},
		{"GET", "/console/none.js", 404, "", ""},
		{"GET", "/console/pages/", 404, "", ""},
		{"GET", "/console/../console.go", 404, "", ""},
		{"POST", "/console/", 405, "Allow", "GET, HEAD"},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(c.method, "/", nil)
		r.URL.Path = c.path
		h.ServeHTTP(w, r)
		if w.Code != c.status || c.header != "" && w.Header().Get(c.header) != c.want {
			t.Errorf("%s %s: %d with %s %q, want %d with %q", c.method, c.path, w.Code, c.header, w.Header().Get(c.header), c.status, c.want)
		}
		if p := w.Header().Get("Content-Security-Policy"); w.Code == 200 && !strings.HasPrefix(p, "default-src 'self';") {
			t.Errorf("%s has the policy %q", c.path, p)
		}
	}
}

func TestUnchangedFilesAreNotSentAgain(t *testing.T) {
	h := handler(files())
	first := httptest.NewRecorder()
	h.ServeHTTP(first, httptest.NewRequest("GET", "/console/app.js", nil))
	r := httptest.NewRequest("GET", "/console/app.js", nil)
	r.Header.Set("If-None-Match", first.Header().Get("ETag"))
	again := httptest.NewRecorder()
	h.ServeHTTP(again, r)
	if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("%d with %d bytes, want 304 and none", again.Code, again.Body.Len())
	}
}

// What is not vendored names no other site, and makes no HTML from text.
func TestFilesAskNoOtherSite(t *testing.T) {
	wrong := regexp.MustCompile(`https?://|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function`)
	for name, f := range files() {
		if strings.HasPrefix(name, "vendor/") || name == "icon.svg" {
			continue
		}
		// The name of a namespace is no address.
		if found := wrong.Find(bytes.ReplaceAll(f.content, []byte("http://www.w3.org/2000/svg"), nil)); found != nil {
			t.Errorf("%s has %q", name, found)
		}
	}
	for _, dir := range []string{"pages", "lib"} {
		entries, err := fs.ReadDir(static, "static/"+dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if f := files()[dir+"/"+e.Name()]; !strings.HasPrefix(string(f.content), "// @ts-check\n") {
				t.Errorf("%s/%s does not begin with // @ts-check", dir, e.Name())
			}
		}
	}
}
