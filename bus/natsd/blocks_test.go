package natsd

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// A message whose sequence has one bit flipped is read again after a start, and the
// server does not fill the gap that the bit pretends.
func TestAFlippedSequenceIsCorrected(t *testing.T) {
	const n = 20
	for _, victim := range []int{1, 2, 7, n - 1, n} {
		for _, bit := range []int{21, 27, 45, 61} {
			t.Run(strconv.Itoa(victim)+" bit "+strconv.Itoa(bit), func(t *testing.T) {
				dir := t.TempDir()
				s := open(t, Config{Dir: dir, Stream: "S", Subjects: []string{"s"}})
				js := streamOf(t, s)
				for range n {
					if _, err := js.Publish(deadline(t), "s", []byte("value")); err != nil {
						t.Fatal(err)
					}
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				flipSequence(t, dir, victim, bit)

				s = open(t, Config{Dir: dir, Stream: "S", Subjects: []string{"s"}})
				stream, err := streamOf(t, s).Stream(deadline(t), "S")
				if err != nil {
					t.Fatal(err)
				}
				if state := stream.CachedInfo().State; state.LastSeq != n {
					t.Errorf("the last sequence is %d, want %d", state.LastSeq, n)
				}
				for sequence := range uint64(n) {
					if m, err := stream.GetMsg(deadline(t), sequence+1); err != nil || string(m.Data) != "value" {
						t.Errorf("message %d: %v", sequence+1, err)
					}
				}
			})
		}
	}
}

// flipSequence flips a bit in the sequence of the nth record of the only block.
func flipSequence(t *testing.T, dir string, nth, bit int) {
	t.Helper()
	blocks, err := filepath.Glob(filepath.Join(dir, "jetstream/*/streams/*/msgs/*.blk"))
	if err != nil || len(blocks) != 1 {
		t.Fatalf("%v, %v", blocks, err)
	}
	data, err := os.ReadFile(blocks[0])
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for range nth - 1 {
		at += int(binary.LittleEndian.Uint32(data[at:]) &^ headersFlag)
	}
	data[at+4+bit/8] ^= 1 << (bit % 8)
	if err := os.WriteFile(blocks[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func streamOf(t *testing.T, s *Server) jetstream.JetStream {
	t.Helper()
	nc, err := s.Connect(deadline(t), "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err == nil {
		_, err = js.CreateOrUpdateStream(deadline(t), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func FuzzWrongSequences(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, 3*recordHeader))
	f.Fuzz(func(t *testing.T, data []byte) {
		for offset := range wrongSequences(data) {
			if offset < 4 || int(offset)+8 > len(data) {
				t.Errorf("offset %d of %d bytes", offset, len(data))
			}
		}
	})
}
