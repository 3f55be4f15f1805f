package schema

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// loader reads the files that references name, below one directory.
type loader struct {
	dir string
}

// nowhere is the base of a schema that has no directory.
const nowhere = "schema:///schema"

// url returns the base of the references of a schema in a file.
func (l loader) url(path string) (string, error) {
	if path == "" {
		return nowhere, nil
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	full = filepath.ToSlash(full)
	if !strings.HasPrefix(full, "/") {
		full = "/" + full // a drive of Windows
	}
	return (&url.URL{Scheme: "file", Path: full}).String(), nil
}

// Load implements jsonschema.URLLoader.
func (l loader) Load(reference string) (doc any, err error) {
	u, err := url.Parse(reference)
	if err != nil {
		return nil, err
	}
	switch {
	case u.Scheme == "http" || u.Scheme == "https":
		return nil, errors.New("nothing is loaded over a network; save it beside the schema and refer to the file")
	case u.Scheme != "file" || l.dir == "":
		return nil, errors.New("a reference can only name a place in the schema or a file beside it")
	}
	dir, err := filepath.Abs(l.dir)
	if err != nil {
		return nil, err
	}
	path := filepath.FromSlash(u.Path)
	if filepath.VolumeName(dir) != "" {
		path = strings.TrimPrefix(path, string(filepath.Separator))
	}
	name, err := filepath.Rel(dir, path)
	if err != nil || !filepath.IsLocal(name) {
		return nil, fmt.Errorf("the file is outside of %s; a schema can only refer to files in this directory", l.dir)
	}
	text, err := l.read(dir, name)
	if err != nil {
		return nil, err
	}
	return decode(text)
}

// read reads a file. The root keeps links from leaving the directory.
func (l loader) read(dir, name string) (text []byte, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return readSchema(f)
}
