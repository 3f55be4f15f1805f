package ndjson

import (
	"fmt"
	"testing"

	"github.com/aimdb-go/aimdb/history"
)

func someHead() head {
	return head{
		Position: history.Position{Log: "log \x00\"", Sequence: 1<<63 + 1, Message: history.Fingerprint{Time: 1_700_000_000_123_456_789, Hash: 1<<64 - 1}},
		File:     facts{Opened: 5, Rows: 9, FirstSequence: 1, LastSequence: 10, FirstTime: -3, LastTime: 7},
		Data:     1 << 40, Sum: 1<<32 - 1, Added: 4, Losses: 11, DeadLetters: 12,
	}
}

// content returns a body with a correct checksum.
func content(body []byte) []byte {
	return fmt.Appendf(nil, "%s%0*x %s", headMagic, sumDigits, checksum(body), body)
}

func TestHeadOneBit(t *testing.T) {
	frame, err := someHead().frame()
	if err != nil {
		t.Fatal(err)
	}
	n, ok := headLength(frame)
	if h, parsed := parseHead(frame[frameStart:]); !ok || n != len(frame)-frameStart || !parsed || h != someHead() {
		t.Fatalf("%+v came back from %q", h, frame)
	}
	for i := frameStart; i < len(frame); i++ {
		for bit := range 8 {
			frame[i] ^= 1 << bit
			// A digit of the checksum in capitals is the same number.
			if h, ok := parseHead(frame[frameStart:]); ok && h != someHead() {
				t.Errorf("bit %d of byte %d: parsed as %+v", bit, i, h)
			}
			frame[i] ^= 1 << bit
		}
	}
}

// FuzzHead: whatever a frame holds, reading it ends, and a checkpoint that is read is
// the same after it is written.
func FuzzHead(f *testing.F) {
	frame, err := someHead().frame()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(frame)
	f.Add(frame[frameStart+headStart:])
	f.Add([]byte(`{"data":-1}`))
	f.Add([]byte(`{"file":{"rows":1},"added":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if n, ok := headLength(data); ok && (n < headStart || n > maxHead) {
			t.Errorf("the length is %d", n)
		}
		parseHead(data)
		h, ok := parseHead(content(data))
		if !ok {
			return
		}
		if h.Data < 0 || h.Added < 0 || h.Losses < 0 || h.DeadLetters < 0 || h.File.Rows < h.Added {
			t.Fatalf("%s became %+v", data, h)
		}
		frame, err := h.frame()
		if err != nil {
			return // the name of the log is too long
		}
		if again, ok := parseHead(frame[frameStart:]); !ok || again != h {
			t.Errorf("%+v became %+v", h, again)
		}
	})
}
