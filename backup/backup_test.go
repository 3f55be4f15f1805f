package backup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/filelock"
)

// source writes a small file in place of a history.
type source struct {
	identity string
	mu       sync.Mutex
	err      error // as set by fail
	// meanwhile is called while the copy is made.
	meanwhile func(part string)
}

// fail sets the error of the copies that follow, nil for none.
func (s *source) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *source) failing() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *source) Identity() string { return s.identity }

func (s *source) Copy(_ context.Context, to string) (history.Copy, error) {
	if err := os.WriteFile(to+partSuffix, []byte("copy"), 0o600); err != nil {
		return history.Copy{}, err
	}
	if s.meanwhile != nil {
		s.meanwhile(to + partSuffix)
	}
	if err := s.failing(); err != nil {
		return history.Copy{}, err // as a process that is killed, it leaves the part
	}
	return history.Copy{Bytes: 4}, os.Rename(to+partSuffix, to)
}

// clock is a clock that is set.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newClock() *clock { return &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func keeper(t *testing.T, s Source, dir string, c *clock, keep int) *Keeper {
	t.Helper()
	k, err := newKeeper(s, Config{Dir: dir, Every: time.Hour, Keep: keep}, nil, c.now)
	if err != nil {
		t.Fatal(err)
	}
	k.look()
	return k
}

func back(t *testing.T, k *Keeper) File {
	t.Helper()
	f, err := k.Back(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestKeepsTheNewestAndWhatIsNotItsOwn(t *testing.T) {
	dir, c := filepath.Join(t.TempDir(), "backups"), newClock()
	k := keeper(t, &source{identity: "0123456789abcdef"}, dir, c, 2)
	back(t, k)
	foreign := []string{"history-ffff-000001-20200101T000000Z.db", "history-0123456789ab-1-x.db", "notes.txt", "history-0123456789ab-000009-20200101T000000Z.db.bak"}
	for _, name := range foreign {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 {
		c.at = c.at.Add(-time.Hour) // the clock is set back each time
		back(t, k)
	}
	want := append(foreign, "history-0123456789ab-000004-20260301T090000Z.db", "history-0123456789ab-000005-20260301T080000Z.db")
	slices.Sort(want)
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("there are\n%q, want\n%q", got, want)
	}
	if s := k.Stats(); s.Kept != 2 || s.LastBytes != 4 || !s.LastSuccess.Equal(c.at) {
		t.Errorf("stats: %+v", s)
	}
}

func TestAFailureLeavesTheOldAndItsRestGoes(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	s := &source{identity: "aa"}
	k := keeper(t, s, dir, c, 1)
	first := back(t, k)
	s.err = errors.New("the disk is full")
	for range 3 {
		if _, err := k.Back(t.Context()); !errors.Is(err, s.err) {
			t.Fatal(err)
		}
	}
	if left, err := Leftovers(dir); err != nil || len(left) != 1 {
		t.Errorf("left are %q, %v", left, err)
	}
	if _, err := os.Stat(first.Path); err != nil {
		t.Errorf("the last good backup: %v", err)
	}
	if s := k.Stats(); s.Failures != 3 || s.LastError != "the disk is full" {
		t.Errorf("stats: %+v", s)
	}
	s.err = nil
	second := back(t, k)
	if got := names(t, dir); !slices.Equal(got, []string{filepath.Base(second.Path)}) || k.Stats().LastError != "" {
		t.Errorf("there are %q, %+v", got, k.Stats())
	}
}

func TestTrouble(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	s := &source{identity: "aa", err: errors.New("no permission")}
	k := keeper(t, s, dir, c, 3)
	says := func(k *Keeper, want ...string) {
		t.Helper()
		got := k.Trouble()
		if (got == "") != (len(want) == 0) {
			t.Errorf("trouble %q, want %q", got, want)
		}
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("trouble %q lacks %q", got, w)
			}
		}
	}
	says(k)
	_, _ = k.Back(t.Context())
	says(k, "no good backup", "no permission")
	s.err = nil
	back(t, k)
	says(k)
	c.at = c.at.Add(2*time.Hour + time.Second)
	says(k, "2h0m1s old", "every 1h0m0s")
	next := keeper(t, s, dir, c, 3) // another process
	says(next, "2h0m1s old")
	back(t, next)
	says(next)
}

// TestTheClockWasSetBack: a backup from the future is not trusted to be new for long.
func TestTheClockWasSetBack(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	s := &source{identity: "aa"}
	back(t, keeper(t, s, dir, c, 3))
	c.at = c.at.AddDate(-1, 0, 0)
	k := keeper(t, s, dir, c, 3)
	if wait := k.untilDue(); wait != 0 {
		t.Errorf("the next backup waits %v", wait)
	}
	c.at = c.at.Add(3 * time.Hour)
	if k.Trouble() == "" {
		t.Error("no alarm until the clock is where it was")
	}
	if f := back(t, k); f.Number != 2 {
		t.Errorf("the next one is %+v", f)
	}
	c.at = c.at.Add(30 * time.Minute)
	if wait := keeper(t, s, dir, c, 1).untilDue(); wait != 30*time.Minute {
		t.Errorf("after a restart the next one waits %v", wait)
	}
}

func TestDirectories(t *testing.T) {
	c, s := newClock(), &source{identity: "aa"}
	above := t.TempDir()
	if _, err := keeper(t, s, filepath.Join(above, "no", "backups"), c, 1).Back(t.Context()); err == nil || !strings.Contains(err.Error(), "make it, or give another one") {
		t.Errorf("no directory above: %v", err)
	}
	file := filepath.Join(above, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keeper(t, s, file, c, 1).Back(t.Context()); err == nil || !strings.Contains(err.Error(), "is no directory") {
		t.Errorf("a file: %v", err)
	}
	dir := filepath.Join(above, "backups")
	k := keeper(t, s, dir, c, 1)
	back(t, k)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Back(t.Context()); err == nil || !strings.Contains(err.Error(), "is gone; mount its disk") {
		t.Errorf("the directory was removed: %v", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("it was made in place of a disk: %v", err)
	}
}

// TestTwoAtATime: a second one, in this process or another, is refused and changes nothing.
func TestTwoAtATime(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	var second error
	s := &source{identity: "aa"}
	s.meanwhile = func(part string) {
		s.meanwhile = nil
		_, second = keeper(t, s, dir, c, 1).Back(t.Context())
		if _, err := os.Stat(part); err != nil {
			t.Errorf("the second one removed what the first one makes: %v", err)
		}
	}
	back(t, keeper(t, s, dir, c, 1))
	if !errors.Is(second, filelock.ErrHeld) {
		t.Errorf("the second one: %v", second)
	}
}

// TestRun: backups come at their times, a failed one soon again.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := &source{identity: "aa"}
		k, err := New(s, Config{Dir: dir, Every: time.Hour, Keep: 9}, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- k.Run(ctx) }()
		count := func(want int) {
			t.Helper()
			synctest.Wait()
			if all, err := List(dir); err != nil || len(all) != want {
				t.Errorf("there are %d backups, %v, want %d", len(all), err, want)
			}
		}
		count(1)
		time.Sleep(time.Hour)
		count(2)
		s.fail(errors.New("full"))
		time.Sleep(time.Hour)
		count(2)
		s.fail(nil)
		time.Sleep(time.Minute)
		count(3)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestConfigs(t *testing.T) {
	for _, c := range []struct {
		config Config
		says   string
	}{
		{Config{}, "give dir"},
		{Config{Dir: "d", Every: -1}, "positive time"},
		{Config{Dir: "d", Every: 1}, "a second at least"},
		{Config{Dir: "d", Keep: -1}, "positive number"},
	} {
		if err := c.config.Check(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v", c.config, err)
		}
	}
	f, ok := parseName(nameOf("ab", 12, time.Unix(0, 0)))
	if !ok || f.History != "ab" || f.Number != 12 || f.Time.Unix() != 0 {
		t.Errorf("a name comes back as %+v, %v", f, ok)
	}
}
