package bus

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/bus/natsd"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/records"
)

// openExisting opens the log of a database that does not run.
func (d *disk) openExisting() testBus {
	d.t.Helper()
	server, err := natsd.Open(natsd.Config{Name: "test", Dir: filepath.Join(d.dir, "log"), Stream: StreamName("test"), MaxMessage: DefaultMaxMessage})
	if err != nil {
		d.t.Fatal(err)
	}
	b, err := OpenExisting(deadline(d.t), server, Config{Name: "test", StateDir: d.dir, Logger: testLog(d.t)})
	if err != nil {
		d.t.Fatal(errors.Join(err, server.Close()))
	}
	return testBus{b, server}
}

func (d *disk) verify(from func(b testBus) history.Position) LogVerification {
	d.t.Helper()
	b := d.openExisting()
	defer closeBus(d.t, b)
	at := from(b)
	v, err := b.Verify(deadline(d.t), at)
	if err != nil {
		d.t.Fatal(err)
	}
	return v
}

// found sums the findings of one cause without a record.
func found(all []LogFinding, cause loss.Cause) (n, from, to uint64) {
	var losses []loss.Loss
	for _, f := range all {
		losses = append(losses, f.Loss)
	}
	return count(losses, cause)
}

// at is a checkpoint of the log itself.
func at(sequence uint64) func(testBus) history.Position {
	return func(b testBus) history.Position { return history.Position{Log: b.Identity(), Sequence: sequence} }
}

func fresh(testBus) history.Position { return history.Position{} }

func TestAHealthyLogVerifies(t *testing.T) {
	d := newDisk(t)
	d.write(700)
	for _, from := range []func(testBus) history.Position{fresh, at(1), at(699), at(700)} {
		v := d.verify(from)
		if len(v.Missing)+len(v.Announced)+len(v.Problems)+len(v.Notes)+v.LeftOut > 0 {
			t.Errorf("findings in a healthy log: %+v", v)
		}
		if v.First != 1 || v.Last != 700 || v.Mark.Sequence != 700 || v.Waiting["a"] != 700-v.After {
			t.Errorf("%+v", v)
		}
	}
}

// Every way in which a log can be incomplete is found before the next start, and
// names the range that a sink would count as lost.
func TestVerifyFindsWhatALogHasLost(t *testing.T) {
	const logged = 400
	type want struct {
		cause   loss.Cause
		n, from uint64 // 0: at least one, anywhere
		waiting uint64
	}
	tests := map[string]struct {
		damage func(d *disk)
		from   func(b testBus) history.Position
		want   want
	}{
		"its end, and the sink has a part of it": {
			damage: func(d *disk) { d.loseEnd(50) },
			from:   at(logged + 20), want: want{loss.LogTruncated, 30, logged + 21, 0},
		},
		"its end, and the sink was behind": {
			damage: func(d *disk) { d.loseEnd(50) },
			from:   at(logged - 20), want: want{loss.LogTruncated, 50, logged + 1, 20},
		},
		"a block at its start": {
			damage: func(d *disk) {
				d.remove("log/jetstream/*/streams/*/msgs/index.db")
				d.removeFirst("log/jetstream/*/streams/*/msgs/*.blk")
			},
			from: fresh, want: want{cause: loss.LogDamaged, from: 1},
		},
		"a message": {
			damage: func(d *disk) { d.flip(`{"n":100}`) },
			from:   fresh, want: want{cause: loss.LogDamaged},
		},
		"where the headers of a message end": {
			damage: func(d *disk) { moveHeaderEnd(d.t, d, 8) },
			from:   fresh, want: want{cause: loss.LogDamaged},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t)
			d.maxBytes = 100_000 // blocks of 32 KiB
			d.write(logged)
			test.damage(d)
			v := d.verify(test.from)
			n, from, to := found(v.Missing, test.want.cause)
			w := test.want
			if n == 0 || w.n > 0 && n != w.n || w.from > 0 && from != w.from {
				t.Errorf("missing: %+v; want %+v", v.Missing, w)
			}
			if w.n > 0 && v.Waiting["a"] != w.waiting {
				t.Errorf("%d values wait, want %d", v.Waiting["a"], w.waiting)
			}
			if w.n == 0 && w.cause == loss.LogDamaged && n+v.Waiting["a"] != logged {
				t.Errorf("%d are missing (%d to %d) and %d wait, want %d in all", n, from, to, v.Waiting["a"], logged)
			}
			if again := d.verify(test.from); !slices.Equal(again.Missing, v.Missing) {
				t.Errorf("the second time it finds\n%+v and the first\n%+v", again.Missing, v.Missing)
			}
		})
	}
}

// loseEnd logs n more values and loses them.
func (d *disk) loseEnd(n int) {
	older := filepath.Join(d.t.TempDir(), "log")
	d.copyLog(older)
	d.write(n)
	d.useLog(older)
}

func (d *disk) remove(pattern string) {
	for _, path := range matches(d.t, d.dir, pattern) {
		if err := os.RemoveAll(path); err != nil {
			d.t.Fatal(err)
		}
	}
}

func (d *disk) removeFirst(pattern string) {
	if err := os.Remove(matches(d.t, d.dir, pattern)[0]); err != nil {
		d.t.Fatal(err)
	}
}

// Verify and OpenExisting change no file that holds messages, and set no limits.
func TestVerifyChangesNothing(t *testing.T) {
	d := newDisk(t)
	d.maxBytes = 100_000
	d.write(300)
	before := d.files()
	d.maxBytes = 0
	v := d.verify(at(10))
	if len(v.Missing) > 0 || v.Waiting["a"] != 290 {
		t.Errorf("%+v", v)
	}
	b := d.openExisting()
	if b.config.MaxBytes != 100_000 || b.config.MaxAge != DefaultMaxAge {
		t.Errorf("the limits are taken for %d bytes and %v", b.config.MaxBytes, b.config.MaxAge)
	}
	closeBus(t, b)
	after := d.files()
	for path, data := range before {
		if after[path] != data {
			t.Errorf("%s has changed", path)
		}
	}
}

// files returns the blocks, descriptions and notes of a log.
func (d *disk) files() map[string]string {
	all := map[string]string{}
	err := filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		ext := filepath.Ext(path)
		if err != nil || e.IsDir() || ext != ".blk" && ext != ".inf" && ext != ".mark" && ext != ".unlogged" {
			return err
		}
		data, err := os.ReadFile(path)
		all[path] = string(data)
		return err
	})
	if err != nil || len(all) < 4 {
		d.t.Fatalf("%d files, %v", len(all), err)
	}
	return all
}

// A server skips a log whose description is damaged.
func TestVerifyALogWithoutItsDescription(t *testing.T) {
	d := newDisk(t)
	d.write(30)
	if err := os.WriteFile(matches(t, d.dir, "log/jetstream/*/streams/*/meta.sum")[0], nil, 0o600); err != nil {
		t.Fatal(err)
	}
	v := d.verify(func(b testBus) history.Position { return history.Position{Log: b.mark.Log, Sequence: 20} })
	if len(v.Problems) != 1 || !strings.Contains(v.Problems[0], "up to 30, of which the history has 20") {
		t.Errorf("%+v", v)
	}
	if values, losses := d.read(0, at(0)); len(values) != 30 || len(losses) != 0 {
		t.Errorf("after that a start finds %d values and %v", len(values), losses)
	}
}

// What the log names itself is announced and not missing: a filled end.
func TestWhatTheLogNamesIsAnnounced(t *testing.T) {
	d := newDisk(t)
	d.write(100)
	d.loseEnd(50)
	d.write(10) // its start fills the end
	v := d.verify(at(90))
	if n, from, to := found(v.Announced, loss.LogTruncated); n != 50 || from != 101 || to != 150 || len(v.Missing) > 0 || v.Waiting["a"] != 20 {
		t.Errorf("%+v", v)
	}
}

// A mark that cannot be read is a problem, and a log without one says what is not
// known.
func TestVerifyWithoutAMark(t *testing.T) {
	d := newDisk(t)
	d.write(10)
	path := filepath.Join(d.dir, "log.mark")
	if err := os.WriteFile(path, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if v := d.verify(at(10)); len(v.Problems) != 1 {
		t.Errorf("with a damaged mark: %+v", v)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if v := d.verify(at(10)); len(v.Problems) != 0 || len(v.Notes) != 1 {
		t.Errorf("without a mark: %+v", v)
	}
}

// While values are logged and discarded, a sink that keeps up misses nothing: what
// the log discarded since the checkpoint was read, the sink has stored.
func TestVerifyWhileTheLogGrows(t *testing.T) {
	b := open(t, setup{Config: Config{Memory: true, MaxBytes: 64 << 10}})
	reg := registry(t)
	r := register(t, reg, "a", records.Config{Kind: records.Ring, Capacity: 10_000, Logged: true})
	stop := republish(t, b, reg)
	for i := range 2000 {
		r.Produce(reading{i})
	}
	last, err := b.Flush(deadline(t), reg)
	if err != nil {
		t.Fatal(err)
	}
	v, err := b.Verify(deadline(t), history.Position{Log: b.Identity(), Sequence: 100})
	if err != nil {
		t.Fatal(err)
	}
	n, from, _ := found(v.Missing, loss.LogDiscarded)
	if from != 101 || n+v.Waiting["a"] != last-100 {
		t.Errorf("missing %+v, %d wait of %d", v.Missing, v.Waiting["a"], last)
	}
	v.Since(history.Position{Log: b.Identity(), Sequence: 110})
	if rest, from, _ := found(v.Missing, loss.LogDiscarded); rest != n-10 || from != 111 {
		t.Errorf("after the sink has 110: %+v", v.Missing)
	}
	v.Since(history.Position{Log: b.Identity(), Sequence: last})
	if len(v.Missing) > 0 {
		t.Errorf("after the sink has all: %+v", v.Missing)
	}
	stop()
}

func TestVerifyHonoursItsContext(t *testing.T) {
	b, _, _ := running(t, setup{}, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Verify(ctx, history.Position{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Verify returns %v", err)
	}
}

// A log that is not there at all.
func TestVerifyMissing(t *testing.T) {
	d := newDisk(t)
	d.write(20)
	m, err := readMark(filepath.Join(d.dir, "log.mark"))
	if err != nil {
		t.Fatal(err)
	}
	for sequence, want := range map[uint64]uint64{20: 0, 15: 5} {
		v, err := VerifyMissing(deadline(t), Config{Name: "test", StateDir: d.dir}, history.Position{Log: m.Log, Sequence: sequence})
		if err != nil {
			t.Fatal(err)
		}
		var lost uint64
		for _, f := range v.Missing {
			lost += f.Count
		}
		if lost != want || len(v.Missing) != int(min(want, 1)) {
			t.Errorf("a sink that has %d misses %+v", sequence, v.Missing)
		}
	}
}
