package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"

	"github.com/aimdb-go/aimdb/access"
)

// tokensHelp describes the file of --tokens.
const tokensHelp = `The file of --tokens has one line for each client: a name, and then its token or the SHA-256
of it, and the patterns that it may read and set, each in a field of its own. Lines that
begin with # are comments.

  # NAME    token=TEXT or hash=HEX  read=PATTERN …   write=PATTERN …
  dashboard token=8fYq0cJr5WmZ      read=#
  tuner     hash=9f86d081884c7d65…  read=accuracy::* read=hub.#  write=hub.settings`

// readTokens reads the tokens of a file.
func readTokens(path string, logger *slog.Logger) ([]access.Token, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the tokens: %w", err)
	}
	if info, err := os.Stat(path); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		logger.Warn("other users of this machine can read the file of tokens; make it private with chmod 600", "file", path, "mode", info.Mode().Perm().String())
	}
	var all []access.Token
	lines := map[string]int{} // by the name
	for i, line := range strings.Split(string(text), "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		one, err := parseToken(fields)
		if first := lines[fields[0]]; err == nil && first > 0 {
			err = fmt.Errorf("the name %s is that of line %d too", fields[0], first)
		}
		if err == nil {
			_, err = access.NewList([]access.Token{one}, nil)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d of %s: %w", i+1, path, err)
		}
		lines[fields[0]] = i + 1
		all = append(all, one)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the file %s has no token; write a line NAME token=TEXT read=PATTERN", path)
	}
	if _, err := access.NewList(all, nil); err != nil {
		return nil, fmt.Errorf("the tokens of %s, without comments: %w", path, err)
	}
	return all, nil
}

// parseToken parses the fields of a line. Its errors do not show a token.
func parseToken(fields []string) (t access.Token, err error) {
	if strings.Contains(fields[0], "=") {
		return t, errors.New("a name must come first")
	}
	for i, field := range fields[1:] {
		name, value, _ := strings.Cut(field, "=")
		if value == "" {
			name = "" // the error below
		}
		switch {
		case name == "read":
			t.Read = append(t.Read, value)
		case name == "write":
			t.Write = append(t.Write, value)
		case name == "token" && t.Token == "":
			t.Token = value
		case name == "hash" && t.Hash == "":
			t.Hash = value
		case name == "token" || name == "hash":
			return t, fmt.Errorf("%s has two fields %s=; write a line for each client", fields[0], name)
		default:
			return t, fmt.Errorf("the field %d of %s is not token=, hash=, read= or write= with a value", i+2, fields[0])
		}
	}
	return t, nil
}
