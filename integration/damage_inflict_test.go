package integration

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// damagePlace is what is damaged: one file, of one kind.
type damagePlace struct {
	kind string // log, mark, lock, checkpoint, history
	path string
}

// damagePlaces lists the files of a directory.
func damagePlaces(t *testing.T, dir string) (all []damagePlace) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		kind := ""
		switch {
		case strings.HasPrefix(name, "log"+string(filepath.Separator)):
			kind = "log"
		case strings.HasPrefix(name, "log."):
			kind = "mark"
		case strings.HasSuffix(name, ".lock"):
			kind = "lock"
		case name == "history.db" || name == "history.db-wal":
			kind = "history"
		}
		if kind != "" {
			all = append(all, damagePlace{kind: kind, path: path})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return append(all, damagePlace{kind: "checkpoint", path: filepath.Join(dir, "history.db")})
}

// inflict damages one place and says how.
func inflict(t *testing.T, r *rand.Rand, dir string, p damagePlace) string {
	t.Helper()
	if p.kind == "checkpoint" {
		return damageCheckpoint(t, r, dir)
	}
	data, err := os.ReadFile(p.path)
	if err != nil {
		t.Fatal(err)
	}
	name, _ := filepath.Rel(dir, p.path)
	if len(data) == 0 {
		return remove(t, p.path, name)
	}
	at := r.IntN(len(data))
	did := ""
	switch kind := r.IntN(10); {
	case kind < 4:
		bit := byte(1) << r.IntN(8)
		data[at] ^= bit
		did = fmt.Sprintf("bit %#x at %d of %d", bit, at, len(data))
	case kind < 6:
		n := min(1+r.IntN(600), len(data)-at)
		for i := range n {
			data[at+i] = byte(r.Uint32())
		}
		did = fmt.Sprintf("%d random bytes at %d of %d", n, at, len(data))
	case kind < 7:
		at -= at % 4096
		n := min(4096, len(data)-at)
		clear(data[at : at+n])
		did = fmt.Sprintf("%d zeros at %d of %d", n, at, len(data))
	case kind < 8:
		data = data[:at]
		did = fmt.Sprintf("cut to %d", at)
	case kind < 9:
		return remove(t, p.path, name)
	default:
		return swap(t, r, p.path, name)
	}
	if err := os.WriteFile(p.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name + ": " + did
}

func remove(t *testing.T, path, name string) string {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	return name + ": deleted"
}

// swap exchanges a file with another one of its directory that has the same ending.
func swap(t *testing.T, r *rand.Rand, path, name string) string {
	t.Helper()
	others, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"+filepath.Ext(path)))
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range r.Perm(len(others)) {
		if others[i] == path {
			continue
		}
		a, errA := os.ReadFile(path)
		b, errB := os.ReadFile(others[i])
		if errA != nil || errB != nil || bytes.Equal(a, b) {
			continue
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(others[i], a, 0o600); err != nil {
			t.Fatal(err)
		}
		return name + ": swapped with " + filepath.Base(others[i])
	}
	return remove(t, path, name)
}

// damageCheckpoint changes one bit of one column of the checkpoint.
func damageCheckpoint(t *testing.T, r *rand.Rand, dir string) string {
	t.Helper()
	column := []string{"sequence", "message_time", "message_hash"}[r.IntN(3)]
	bit := int64(1) << r.IntN(11)
	db := openSQL(t, dir)
	defer db.Close()
	for _, text := range []string{
		"UPDATE aimdb_checkpoint SET " + column + " = (" + column + " | ?1) - (" + column + " & ?1)",
		"PRAGMA wal_checkpoint(TRUNCATE)",
	} {
		var args []any
		if strings.Contains(text, "?1") {
			args = []any{bit}
		}
		if _, err := db.Exec(text, args...); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf("checkpoint: bit %#x of %s", bit, column)
}
