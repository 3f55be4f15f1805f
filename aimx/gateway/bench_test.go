package gateway_test

import (
	"bufio"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

const getCO2 = `{"t":"req","id":1,"method":"record.get","params":{"name":"attic.co2"}}` + "\n"

// line is a connection that exchanges lines.
type line struct {
	net.Conn
	in *bufio.Reader
}

func dialLine(b *testing.B, path string) *line {
	b.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { closing(b, conn) })
	return &line{Conn: conn, in: bufio.NewReader(conn)}
}

func (l *line) write(b *testing.B, s string) {
	if _, err := io.WriteString(l, s); err != nil {
		b.Fatal(err)
	}
}

func (l *line) read(b *testing.B) {
	if _, err := l.in.ReadSlice('\n'); err != nil {
		b.Fatal(err)
	}
}

// echo returns a connection to the reference: a server that only echoes lines over a
// unix socket.
func echo(b *testing.B) *line {
	b.Helper()
	l, err := net.Listen("unix", filepath.Join(b.TempDir(), "echo"))
	if err != nil {
		b.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer closing(b, conn)
		in := bufio.NewReader(conn)
		for {
			request, err := in.ReadSlice('\n')
			if err != nil {
				return // the client is done
			}
			if _, err := conn.Write(request); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.Cleanup(func() { closing(b, l); served.Wait() })
	return dialLine(b, l.Addr().String())
}

// againstEcho runs many operations and as many echoes in turns, so that other load
// of the machine affects both alike. It reports the ratio of their times; ns/op is
// that of the operation.
func againstEcho(b *testing.B, many func(n int)) {
	b.Helper()
	reference := echo(b)
	var ours, theirs time.Duration
	b.ResetTimer()
	for left := b.N; left > 0; left -= 256 {
		n := min(left, 256)
		start := time.Now()
		many(n)
		ours += time.Since(start)
		b.StopTimer()
		start = time.Now()
		for range n {
			reference.write(b, getCO2)
			reference.read(b)
		}
		theirs += time.Since(start)
		b.StartTimer()
	}
	b.ReportMetric(float64(ours)/float64(theirs), "x-echo")
}

// BenchmarkGet runs one record.get after the other.
func BenchmarkGet(b *testing.B) {
	h := open(b)
	h.co2.Produce(reading{PPM: 612})
	l := dialLine(b, h.socket)
	againstEcho(b, func(n int) {
		for range n {
			l.write(b, getCO2)
			l.read(b)
		}
	})
}

// BenchmarkGetPipelined keeps 64 requests in flight.
func BenchmarkGetPipelined(b *testing.B) {
	h := open(b)
	h.co2.Produce(reading{PPM: 612})
	l := dialLine(b, h.socket)
	againstEcho(b, func(n int) {
		for sent, answered := 0, 0; answered < n; {
			for ; sent < n && sent < answered+64; sent++ {
				l.write(b, getCO2)
			}
			l.read(b)
			answered++
		}
	})
}

// BenchmarkEvent takes a value from Produce to a subscriber.
func BenchmarkEvent(b *testing.B) {
	h := open(b)
	l := dialLine(b, h.socket)
	l.write(b, `{"t":"sub","id":1,"topic":"attic.co2"}`+"\n"+`{"t":"ping"}`+"\n")
	l.read(b)
	againstEcho(b, func(n int) {
		for i := range n {
			h.co2.Produce(reading{PPM: i})
			l.read(b)
		}
	})
}
