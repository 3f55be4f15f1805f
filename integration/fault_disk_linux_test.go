package integration

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"

	"github.com/aimdb-go/aimdb/internal/needed"
)

// smallDisk mounts a disk of a few bytes. Where the kernel does not let the
// test mount anything it is skipped, in CI too; all else that is missing for a
// mount can be had, so CI must have it.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size)
	switch {
	case errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES):
		needed.Missing(t, "root and the permission to mount, in a container CAP_SYS_ADMIN: %v", err)
	case err != nil:
		t.Fatalf("mount a small tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount the small disk: %v", err)
		}
	})
	return dir
}

// eachSmallStore runs a test for each kind of history, with the rows on a small disk. says is
// what the sink says if the disk is full.
func eachSmallStore(t *testing.T, test func(t *testing.T, disk, history, says string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		disk := smallDisk(t, "48m")
		test(t, disk, disk, "free some space")
	})
	t.Run("postgres", func(t *testing.T) {
		postgresServer.Start(t)
		disk, all := smallDisk(t, "48m"), postgresServer.DSN("postgres")
		postgresServer.Own(t, disk)
		if err := os.Chmod(filepath.Dir(disk), 0o711); err != nil {
			t.Fatal(err)
		}
		space := fmt.Sprintf("small%d", rand.Uint64()) // other tests have theirs at the same time
		execute(t, all, "CREATE TABLESPACE "+space+" LOCATION '"+disk+"'")
		t.Cleanup(func() { execute(t, all, "DROP TABLESPACE "+space) })
		test(t, disk, postgresServer.Database(t)+"&default_tablespace="+space, "No space left on device")
	})
}

// fill takes all the room of a disk; free gives it back.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0; {
		_, err := f.Write(make([]byte, size))
		if errors.Is(err, syscall.ENOSPC) {
			size /= 2
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// filledUp is the last of the numbers that are written while a history has no room: more
// than the files it has already can take.
const filledUp = 3000

// A full disk under the history holds up nobody who writes; when there is room
// again everything is stored.
func TestDiskFullUnderTheHistory(t *testing.T) {
	t.Parallel()
	eachSmallStore(t, func(t *testing.T, disk, history, says string) {
		s := setup{dir: t.TempDir(), history: history}
		p := admit(t, s)
		p.send(1, 1000)
		p.flush()
		free := fill(t, disk)
		p.send(1001, filledUp)
		p.awaitState(says)
		if soaking() {
			<-time.After(10 * time.Second) // the fault lasts this long
			p.awaitState(says)
		}
		free()
		p.recovered(history, filledUp)
	})
}

// To stop a database over a full disk is no error; what the log has is stored
// by the next start that finds room.
func TestStopWhileTheHistoryHasNoRoom(t *testing.T) {
	t.Parallel()
	eachSmallStore(t, func(t *testing.T, disk, history, says string) {
		s := setup{dir: t.TempDir(), history: history, options: []aimdb.Option{aimdb.DrainTimeout(time.Second)}}
		p := admit(t, s)
		p.send(1, 1000)
		p.flush()
		free := fill(t, disk)
		p.send(1001, filledUp)
		p.awaitState(says)
		p.stop()
		p.said.must(t, "the rest is in the log and is stored after the next start")
		free()
		visit(t, s, filledUp+1, filledUp+100)
		checkNumbers(t, history, sent(filledUp+100))
	})
}

// A full disk under the log is no crash: what does not fit into memory
// meanwhile is counted, and the log goes on when there is room again.
func TestDiskFullUnderTheLog(t *testing.T) {
	t.Parallel()
	disk, history := smallDisk(t, "48m"), t.TempDir()
	s := setup{
		dir: disk, history: history,
		record: []aimdb.RecordOption{aimdb.Ring(64), aimdb.Persist()},
	}
	p := admit(t, s)
	for n := 1; n <= 50; n++ {
		p.produce(n)
	}
	p.flush()
	free := fill(t, disk)
	last := 50
	often := time.NewTicker(10 * time.Millisecond)
	defer often.Stop()
	for deadline := time.Now().Add(patience); !p.inTrouble(); <-often.C {
		// A log that lies in part on pages already there takes some more.
		for range 100 {
			last++
			p.produce(last)
		}
		if time.Now().After(deadline) {
			t.Fatalf("the full disk is not noticed\n%s", p.said)
		}
	}
	p.awaitState("the log did not answer")
	for range 1000 {
		last++
		p.produce(last)
	}
	free()
	p.flush()
	for range 50 {
		last++
		p.produce(last)
	}
	p.flush()
	p.said.must(t, "the log does not take values")
	p.said.must(t, "the log takes values again")
	for _, r := range p.records {
		if m := r.Untyped().Metrics(); m.Dropped == 0 || m.Lost == 0 {
			t.Errorf("record %s counts %d dropped and %d lost", r.Key(), m.Dropped, m.Lost)
		}
	}
	p.stop()

	db := openSQL(t, history)
	losses := ledger(t, db)
	for _, key := range writerKeys() {
		var mine []lossRow
		for _, l := range losses {
			if l.cause != "ring_overrun" {
				t.Errorf("loss %+v, want only what the rings had no room for", l)
			}
			if l.record == key {
				mine = append(mine, l)
			}
		}
		checkComplete(t, db, key, last, mine)
	}
	p = admit(t, s) // the log opens as any other
	p.newestIs(last)
	p.stop()
}

func (p *patient) produce(n int) {
	for _, r := range p.records {
		r.Produce(numbered{n})
	}
}

// inTrouble reports whether the log says that it does not take values.
func (p *patient) inTrouble() bool {
	p.t.Helper()
	text := p.said.String()
	return strings.Contains(text, "the log does not take values")
}

// A start that finds no room says so and touches nothing; the next one that
// does goes on.
func TestStartOnAFullDisk(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]func(disk string) setup{
		"history": func(disk string) setup { return setup{dir: t.TempDir(), history: disk} },
		"log":     func(disk string) setup { return setup{dir: disk, history: t.TempDir()} },
	} {
		t.Run(name, func(t *testing.T) {
			disk := smallDisk(t, "48m")
			s := s(disk)
			visit(t, s, 1, 100)
			free := fill(t, disk)
			_, err := tryAdmit(t, s)
			if err == nil || !strings.Contains(err.Error(), "full") && !strings.Contains(err.Error(), "no space") {
				t.Errorf("start on a full disk: %v", err)
			}
			free()
			visit(t, s, 101, 200)
			if aside := asides(t, s.history); len(aside) > 0 {
				t.Errorf("the history was taken for a damaged one: %v", aside)
			}
			checkNumbers(t, s.history, sent(200))
		})
	}
}
