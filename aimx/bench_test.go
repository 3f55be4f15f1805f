package aimx_test

import (
	"bufio"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"
)

// The reference for all below: a line there and back over a unix socket, with
// nothing in between.
func BenchmarkEcho(b *testing.B) {
	l, err := net.Listen("unix", filepath.Join(b.TempDir(), "s"))
	if err != nil {
		b.Fatal(err)
	}
	var echo sync.WaitGroup
	echo.Go(func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		in := bufio.NewReader(conn)
		for {
			line, err := in.ReadSlice('\n')
			if err != nil {
				_ = conn.Close()
				return
			}
			if _, err := conn.Write(line); err != nil {
				return
			}
		}
	})
	b.Cleanup(func() { _ = l.Close(); echo.Wait() })
	conn, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer closing(b, conn)
	roundTrips(b, conn)
}

const getCO2 = `{"t":"req","id":1,"method":"record.get","params":{"name":"attic.co2"}}` + "\n"

func roundTrips(b *testing.B, conn net.Conn) {
	in := bufio.NewReader(conn)
	for b.Loop() {
		if _, err := io.WriteString(conn, getCO2); err != nil {
			b.Fatal(err)
		}
		if _, err := in.ReadSlice('\n'); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGet is to be read as a ratio to BenchmarkEcho.
func BenchmarkGet(b *testing.B) {
	h := open(b)
	h.co2.Produce(reading{PPM: 612})
	conn, err := net.Dial("unix", h.socket)
	if err != nil {
		b.Fatal(err)
	}
	defer closing(b, conn)
	roundTrips(b, conn)
}

// BenchmarkGetPipelined keeps 64 requests in flight.
func BenchmarkGetPipelined(b *testing.B) {
	h := open(b)
	h.co2.Produce(reading{PPM: 612})
	conn, err := net.Dial("unix", h.socket)
	if err != nil {
		b.Fatal(err)
	}
	defer closing(b, conn)
	room := make(chan struct{}, 64)
	var reader sync.WaitGroup
	reader.Go(func() {
		in := bufio.NewReader(conn)
		for range b.N {
			if _, err := in.ReadSlice('\n'); err != nil {
				b.Error(err)
				return
			}
			<-room
		}
	})
	b.ResetTimer()
	for range b.N {
		room <- struct{}{}
		if _, err := io.WriteString(conn, getCO2); err != nil {
			b.Fatal(err)
		}
	}
	reader.Wait()
}

// BenchmarkEvents is the way of one value from Produce to a subscriber.
func BenchmarkEvents(b *testing.B) {
	h := open(b)
	conn, err := net.Dial("unix", h.socket)
	if err != nil {
		b.Fatal(err)
	}
	defer closing(b, conn)
	in := bufio.NewReader(conn)
	if _, err := io.WriteString(conn, `{"t":"sub","id":1,"topic":"attic.co2"}`+"\n"+`{"t":"ping"}`+"\n"); err != nil {
		b.Fatal(err)
	}
	if _, err := in.ReadSlice('\n'); err != nil {
		b.Fatal(err)
	}
	for n := 0; b.Loop(); n++ {
		h.co2.Produce(reading{PPM: n})
		if _, err := in.ReadSlice('\n'); err != nil {
			b.Fatal(err)
		}
	}
}
