package bus

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/records"
)

// disk is the directory of a log with its mark beside it.
type disk struct {
	t   *testing.T
	dir string
	n   int
	// maxBytes bounds the log, and so makes its blocks small.
	maxBytes int64
}

func newDisk(t *testing.T) *disk { return &disk{t: t, dir: t.TempDir()} }

func (d *disk) setup() setup {
	return setup{Config: Config{StateDir: d.dir, MaxBytes: d.maxBytes}, Dir: filepath.Join(d.dir, "log")}
}

// write opens the log, logs n more values and closes it.
func (d *disk) write(n int) {
	d.t.Helper()
	b, err := tryOpen(d.t, d.setup())
	if err != nil {
		d.t.Fatal(err)
	}
	if err := b.Restore(deadline(d.t), 0); err != nil {
		d.t.Fatal(err)
	}
	reg := registry(d.t)
	r := register(d.t, reg, "a", records.Config{Kind: records.Ring, Capacity: 10_000, Logged: true})
	stop := republish(d.t, b, reg)
	for range n {
		r.Produce(reading{d.n})
		d.n++
	}
	if _, err := b.Flush(deadline(d.t), reg); err != nil {
		d.t.Fatal(err)
	}
	stop()
	closeBus(d.t, b)
}

// copyLog copies the log to a directory, and useLog puts a copy in its place.
func (d *disk) copyLog(to string) { copyDir(d.t, filepath.Join(d.dir, "log"), to) }

func (d *disk) useLog(from string) {
	if err := os.RemoveAll(filepath.Join(d.dir, "log")); err != nil {
		d.t.Fatal(err)
	}
	copyDir(d.t, from, filepath.Join(d.dir, "log"))
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// read opens the log with a tail known from elsewhere and reads what a sink with
// a checkpoint gets.
func (d *disk) read(tail uint64, from func(b testBus) history.Position) (values []int, losses []loss.Loss) {
	d.t.Helper()
	b := open(d.t, d.setup())
	defer closeBus(d.t, b)
	if err := b.Restore(deadline(d.t), tail); err != nil {
		d.t.Fatal(err)
	}
	last, err := b.LastSequence(deadline(d.t))
	if err != nil {
		d.t.Fatal(err)
	}
	at := from(b)
	c, err := b.Consumer(deadline(d.t), "sink", at)
	if err != nil {
		d.t.Fatal(err)
	}
	defer c.Close()
	for end := c.Start().Sequence; end < last; {
		var batch [100]Message
		n, err := c.Next(deadline(d.t), batch[:], 1<<20, time.Now())
		if err != nil {
			d.t.Fatal(err)
		}
		for _, m := range batch[:n] {
			end = max(end, m.Sequence)
			if m.Loss != nil {
				losses = append(losses, *m.Loss)
			} else {
				values = append(values, numberOf(d.t, m.Value))
			}
		}
	}
	return values, losses
}

// count sums losses of one cause without a record, and returns their range.
func count(losses []loss.Loss, cause loss.Cause) (n, from, to uint64) {
	for _, l := range losses {
		if l.Cause == cause && l.Record == "" {
			if n == 0 {
				from = l.From
			}
			n, to = n+l.Count, l.To
		}
	}
	return n, from, to
}

func upTo(from, to int) (all []int) {
	for i := from; i <= to; i++ {
		all = append(all, i)
	}
	return all
}

// A log that has lost its end is filled up to its mark, so that no sequence is
// used twice, and every sink counts what it has not stored.
func TestALostEndIsFilled(t *testing.T) {
	d := newDisk(t)
	d.write(100)
	older := t.TempDir()
	d.copyLog(filepath.Join(older, "log"))
	d.write(50)
	d.useLog(filepath.Join(older, "log"))
	d.write(10) // with sequences after the lost ones
	values, losses := d.read(0, func(testBus) history.Position { return history.Position{} })
	if want := append(upTo(0, 99), upTo(150, 159)...); !slices.Equal(values, want) {
		t.Errorf("a new sink gets %d values, want %d", len(values), len(want))
	}
	if n, from, to := count(losses, loss.LogTruncated); n != 50 || from != 101 || to != 150 {
		t.Errorf("a new sink misses %d, %d to %d: %v", n, from, to, losses)
	}
	values, losses = d.read(0, func(b testBus) history.Position { return history.Position{Log: b.Identity(), Sequence: 120} })
	if want := upTo(150, 159); !slices.Equal(values, want) {
		t.Errorf("a sink that has 120 gets %v, want %v", values, want)
	}
	if n, from, to := count(losses, loss.LogTruncated); n != 30 || from != 121 || to != 150 {
		t.Errorf("a sink that has 120 misses %d, %d to %d: %v", n, from, to, losses)
	}
}

// Without a mark the checkpoint of a sink tells where the log had ended.
func TestALostEndIsFilledUpToACheckpoint(t *testing.T) {
	d := newDisk(t)
	d.write(100)
	older := t.TempDir()
	d.copyLog(filepath.Join(older, "log"))
	d.write(50)
	d.useLog(filepath.Join(older, "log"))
	if err := os.Remove(filepath.Join(d.dir, "log.mark")); err != nil {
		t.Fatal(err)
	}
	values, losses := d.read(130, func(b testBus) history.Position { return history.Position{Log: b.Identity(), Sequence: 130} })
	if len(values) != 0 || len(losses) != 0 {
		t.Errorf("a sink that has everything gets %v, %v", values, losses)
	}
}

// fingerprintOf returns the position of a message with its fingerprint.
func fingerprintOf(t *testing.T, b testBus, log string, sequence uint64) history.Position {
	t.Helper()
	m, err := b.get(deadline(t), sequence)
	if err != nil || m == nil {
		t.Fatalf("message %d: %v, %v", sequence, m, err)
	}
	return history.Position{Log: log, Sequence: sequence, Message: fingerprint(m.Subject, m.Data, m.Time.UnixNano())}
}

// A log that has lost its identity is recognized by the mark, and by the message
// that a sink has stored last.
func TestALogWithoutItsIdentityIsTheSame(t *testing.T) {
	for name, dropMark := range map[string]bool{"by its mark": false, "by the checkpoint": true} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t)
			d.write(100)
			var before history.Position
			d.read(0, func(b testBus) history.Position {
				before = fingerprintOf(t, b, b.Identity(), 60)
				return before
			})
			for _, damaged := range matches(t, d.dir, "log/jetstream/*/streams/*/meta.sum") {
				if err := os.WriteFile(damaged, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if dropMark {
				if err := os.Remove(filepath.Join(d.dir, "log.mark")); err != nil {
					t.Fatal(err)
				}
			}
			values, losses := d.read(0, func(b testBus) history.Position {
				if same := b.Identity() == before.Log; same == dropMark {
					t.Errorf("identity %s, before %s", b.Identity(), before.Log)
				}
				return before
			})
			if want := upTo(60, 99); !slices.Equal(values, want) || len(losses) != 0 {
				t.Errorf("%d values and %v, want %d", len(values), losses, len(want))
			}
		})
	}
}

// Sequences that were used again, because neither a mark nor a checkpoint was
// there when the log had lost its end, are noticed by the fingerprint.
func TestSequencesUsedAgainAreNoticed(t *testing.T) {
	d := newDisk(t)
	d.write(100)
	older := t.TempDir()
	d.copyLog(filepath.Join(older, "log"))
	d.write(50)
	var before history.Position
	d.read(0, func(b testBus) history.Position {
		before = fingerprintOf(t, b, b.Identity(), 140)
		return before
	})
	d.useLog(filepath.Join(older, "log"))
	if err := os.Remove(filepath.Join(d.dir, "log.mark")); err != nil {
		t.Fatal(err)
	}
	d.write(60) // 101 to 160 once more
	values, losses := d.read(0, func(testBus) history.Position { return before })
	if want := upTo(150, 209); !slices.Equal(values, want) {
		t.Errorf("got %v, want %v", values, want)
	}
	if len(losses) != 0 {
		t.Errorf("losses %v", losses)
	}
}

// What is missing inside the limits of the log is damage, not a limit: neither a
// block that was deleted, which the server takes for retention, nor a message that
// it cannot read.
func TestDamageInsideTheLimitsIsNotALimit(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, d *disk){
		"a block is deleted": func(t *testing.T, d *disk) {
			blocks := matches(t, d.dir, "log/jetstream/*/streams/*/msgs/*.blk")
			if len(blocks) < 2 {
				t.Fatalf("the log has %d blocks", len(blocks))
			}
			for _, path := range append(matches(t, d.dir, "log/jetstream/*/streams/*/msgs/index.db"), blocks[0]) {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}
		},
		"a bit is flipped": func(t *testing.T, d *disk) {
			d.flip(`{"n":100}`)
		},
		"the headers end too late":  func(t *testing.T, d *disk) { moveHeaderEnd(t, d, 8) },
		"the headers end too early": func(t *testing.T, d *disk) { moveHeaderEnd(t, d, -8) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t)
			d.maxBytes = 100_000 // blocks of 32 KiB
			const n = 400
			d.write(n)
			damage(t, d)
			values, losses := d.read(0, func(testBus) history.Position { return history.Position{} })
			lost, _, _ := count(losses, loss.LogDamaged)
			if lost == 0 || len(values)+int(lost) != n {
				t.Errorf("%d values, %d damaged, want %d in all: %v", len(values), lost, n, losses)
			}
			if other, _, _ := count(losses, loss.LogDiscarded); other != 0 {
				t.Errorf("%d are counted as discarded", other)
			}
			if !slices.IsSorted(values) || len(slices.Compact(values)) != n-int(lost) {
				t.Error("values are out of order or came twice")
			}
		})
	}
}

// moveHeaderEnd changes the length of the headers of a message, which lies between the
// subject and the headers and is in no checksum of the server.
func moveHeaderEnd(t *testing.T, d *disk, by int) {
	t.Helper()
	path := matches(t, d.dir, "log/jetstream/*/streams/*/msgs/*.blk")[0]
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	payload := bytes.Index(data, []byte(`{"n":100}`))
	headers := bytes.LastIndex(data[:max(payload, 0)], []byte("NATS/1.0"))
	if headers < 4 {
		t.Fatal("the value is not in the first block")
	}
	length := data[headers-4 : headers]
	binary.LittleEndian.PutUint32(length, uint32(int(binary.LittleEndian.Uint32(length))+by))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A producer that has its acknowledgement finds it in the mark: a kill at any moment
// leaves a mark of all that was acknowledged.
func TestTheMarkHasEachAcknowledgement(t *testing.T) {
	d := newDisk(t)
	b := open(t, d.setup())
	reg := registry(t)
	r := register(t, reg, "a", records.Config{Kind: records.Ring, Capacity: 8, Logged: true})
	republish(t, b, reg)
	for i := range 20 {
		if err := r.ProduceLogged(deadline(t), reading{i}); err != nil {
			t.Fatal(err)
		}
		m, err := readMark(b.markPath())
		if err != nil || m.Sequence != uint64(i+1) || m.Log != b.Identity() {
			t.Fatalf("after %d acknowledgements the mark is %+v (%v)", i+1, m, err)
		}
	}
}

// flip changes a bit of the message of the first block that has a value.
func (d *disk) flip(value string) {
	d.t.Helper()
	path := matches(d.t, d.dir, "log/jetstream/*/streams/*/msgs/*.blk")[0]
	data, err := os.ReadFile(path)
	if err != nil {
		d.t.Fatal(err)
	}
	i := bytes.Index(data, []byte(value))
	if i < 0 {
		d.t.Fatal("the value is not in the first block")
	}
	data[i+5] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func matches(t *testing.T, dir, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	return found
}

func FuzzMark(f *testing.F) {
	good, err := appendMark(Mark{Log: "hub/x", Sequence: 7, First: 1}, 3)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, slot []byte) {
		m, n, ok := parseMark(slot)
		if !ok {
			return
		}
		again, err := appendMark(m, n)
		if err != nil {
			return // longer than a slot
		}
		if m2, n2, ok := parseMark(again); !ok || m2 != m || n2 != n {
			t.Errorf("%+v became %+v", m, m2)
		}
	})
}

func FuzzNote(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x02{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if n, err := parseNote(data); err != nil && len(n.Records) > 0 {
			t.Errorf("%d records and %v", len(n.Records), err)
		}
	})
}
