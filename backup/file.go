package backup

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// File is a backup in a directory.
type File struct {
	// Path is where it is. History is the part of the identity of its history that is in
	// its name.
	Path    string `json:"path"`
	History string `json:"history"`
	// Number is greater than those of all earlier backups of the history.
	Number int64 `json:"number"`
	// Time is when it was begun, by the clock of then.
	Time  time.Time `json:"time"`
	Bytes int64     `json:"bytes"`
}

const (
	timeLayout = "20060102T150405Z"
	partSuffix = ".part"
)

// shortIdentity is the part of an identity that is in the names of files.
func shortIdentity(identity string) string {
	short := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, identity)
	return short[:min(12, len(short))]
}

// nameOf returns the name of a file.
func nameOf(history string, number int64, at time.Time) string {
	return fmt.Sprintf("history-%s-%06d-%s.db", history, number, at.UTC().Format(timeLayout))
}

// parseName returns what the name of a backup, without a directory, says.
func parseName(name string) (f File, ok bool) {
	parts := regexp.MustCompile(`^history-([0-9A-Za-z]+)-([0-9]{6,18})-([0-9]{8}T[0-9]{6}Z)\.db$`).FindStringSubmatch(name)
	if parts == nil {
		return f, false
	}
	number, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return f, false
	}
	at, err := time.Parse(timeLayout, parts[3])
	return File{History: parts[1], Number: number, Time: at}, err == nil
}

// List returns the backups in a directory, of each history the newest first.
func List(dir string) ([]File, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list the backups: %w", err)
	}
	all := []File{}
	for _, e := range entries {
		f, ok := parseName(e.Name())
		if !ok || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if os.IsNotExist(err) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("list the backups: %w", err)
		}
		f.Path, f.Bytes = filepath.Join(dir, e.Name()), info.Size()
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b File) int {
		return cmp.Or(cmp.Compare(a.History, b.History), cmp.Compare(b.Number, a.Number))
	})
	return all, nil
}

// of returns the backups of one history.
func of(all []File, history string) []File {
	return slices.DeleteFunc(all, func(f File) bool { return f.History != history })
}

// Leftovers returns the files that a process has left that ended while it made a backup,
// or that one makes now.
func Leftovers(dir string) ([]string, error) { return leftovers(dir, "") }

// leftovers returns those of one history, or of all if it is empty.
func leftovers(dir, history string) (left []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("look for the rest of earlier backups: %w", err)
	}
	for _, e := range entries {
		name, rest, found := strings.Cut(e.Name(), partSuffix)
		f, ok := parseName(name)
		if found && ok && slices.Contains([]string{"", "-journal", "-wal", "-shm"}, rest) && (history == "" || f.History == history) {
			left = append(left, filepath.Join(dir, e.Name()))
		}
	}
	return left, nil
}
