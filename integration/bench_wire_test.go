package integration

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
)

const wireRecord = "plant.line0::sensor0"

// BenchmarkWire sends requests over a unix socket from a second process, and the same lines
// to a server in this process that only writes each line back. Both take turns. of-echo is
// the rate in relation to that server, us-beyond-echo what a request takes more.
func BenchmarkWire(b *testing.B) {
	get := request("record.get", wireRecord, "")
	b.Run("get/one-at-a-time", func(b *testing.B) { wire(b, servedOnSocket(b), wireLoad{get, 1, 1, 4_000}) })
	b.Run("get/64-in-flight", func(b *testing.B) { wire(b, servedOnSocket(b), wireLoad{get, 1, 64, 40_000}) })
	b.Run("get/16-connections", func(b *testing.B) { wire(b, servedOnSocket(b), wireLoad{get, 16, 1, 1_000}) })
	dir := b.TempDir()
	fillRecord(b, filepath.Join(dir, "history.db"), benchRows(b))
	b.Run("latest", func(b *testing.B) {
		s := filepath.Join(b.TempDir(), "s")
		serveForOn(b, dir, b.TempDir(), 0, nil, aimdb.Gateway(s), aimdb.RemoteHistory(true))
		wire(b, s, wireLoad{request("record.query", scanned, `,"limit":1`), 1, 1, 1_000})
	})
	b.Run("range", func(b *testing.B) { wireRange(b, dir) })
}

func request(method, record, more string) string {
	return fmt.Sprintf(`{"t":"req","id":1,"method":%q,"params":{"name":%q%s}}`+"\n", method, record, more)
}

// servedOnSocket serves a record with a value on a socket, whose path it returns.
func servedOnSocket(b *testing.B) string {
	socket := filepath.Join(b.TempDir(), "s")
	s := serveFor(b, 1, []aimdb.RecordOption{aimdb.Ring(16), aimdb.Remote()}, aimdb.Gateway(socket))
	s.records[0].Produce(sampled(1))
	return socket
}

// wireLoad is one turn of a client.
type wireLoad struct {
	Request     string
	Connections int
	InFlight    int
	// Requests are those of each connection.
	Requests int
}

// wireTimes are seconds of each turn.
type wireTimes struct{ Ours, Echo []float64 }

func wire(b *testing.B, socket string, load wireLoad) {
	echo := echoLines(b)
	var all wireTimes
	for b.Loop() {
		var got wireTimes
		if err := json.Unmarshal(wireChild(b, "wire", load, socket, echo), &got); err != nil {
			b.Fatal(err)
		}
		all.Ours, all.Echo = append(all.Ours, got.Ours...), append(all.Echo, got.Echo...)
	}
	b.ReportMetric(0, "ns/op") // a turn is no operation
	n := float64(load.Connections * load.Requests)
	var ratios, beyond []float64
	for i, ours := range all.Ours {
		ratios = append(ratios, all.Echo[i]/ours)
		beyond = append(beyond, (ours-all.Echo[i])/n*1e6)
	}
	b.ReportMetric(median(ratios), "of-echo")
	b.ReportMetric(median(beyond), "us-beyond-echo")
	b.ReportMetric(n/median(all.Ours), "requests/s")
}

// wireChild runs a client in a process of its own and returns what it prints.
func wireChild(b *testing.B, child string, load any, sockets ...string) []byte {
	b.Helper()
	out, err := wireCommand(b, child, load, sockets...).Output()
	if err != nil {
		b.Fatalf("%s: %v", out, err)
	}
	return out
}

func wireCommand(b *testing.B, child string, load any, sockets ...string) *exec.Cmd {
	b.Helper()
	text, err := json.Marshal(load)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], append([]string{string(text)}, sockets...)...)
	cmd.Env = append(os.Environ(), childVariable+"="+child)
	cmd.Stderr = os.Stderr
	return cmd
}

// runWire is the child process: the client of BenchmarkWire.
func runWire(args []string) error {
	var load wireLoad
	if err := json.Unmarshal([]byte(args[0]), &load); err != nil {
		return err
	}
	ours, err := dialLines(args[1], load.Connections)
	if err != nil {
		return err
	}
	echo, err := dialLines(args[2], load.Connections)
	if err != nil {
		return err
	}
	var t wireTimes
	for range turns {
		for _, side := range []struct {
			conns []*lineConn
			times *[]float64
		}{{echo, &t.Echo}, {ours, &t.Ours}} {
			took, err := load.run(side.conns)
			if err != nil {
				return err
			}
			*side.times = append(*side.times, took.Seconds())
		}
	}
	return json.NewEncoder(os.Stdout).Encode(t)
}

func (l wireLoad) run(conns []*lineConn) (time.Duration, error) {
	failed := make([]error, len(conns))
	start := time.Now()
	var all sync.WaitGroup
	for i, c := range conns {
		all.Go(func() { failed[i] = l.requests(c) })
	}
	all.Wait()
	took := time.Since(start)
	i := slices.IndexFunc(failed, func(err error) bool { return err != nil })
	if i >= 0 {
		return 0, failed[i]
	}
	return took, nil
}

func (l wireLoad) requests(c *lineConn) error {
	for sent, answered := 0, 0; answered < l.Requests; answered++ {
		for ; sent < l.Requests && sent < answered+l.InFlight; sent++ {
			if _, err := c.Write([]byte(l.Request)); err != nil {
				return err
			}
		}
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if bytes.Contains(line, []byte(`"err"`)) {
			return fmt.Errorf("%s is answered with %s", l.Request, line)
		}
	}
	return nil
}

// lineConn is a connection that carries lines.
type lineConn struct {
	net.Conn
	in *bufio.Reader
}

func dialLines(socket string, n int) (conns []*lineConn, err error) {
	for range n {
		c, err := net.Dial("unix", socket)
		if err != nil {
			return nil, err
		}
		conns = append(conns, &lineConn{c, bufio.NewReaderSize(c, 4<<20)})
	}
	return conns, nil
}

// echoLines serves a socket on which each line comes back, in a write of its own.
func echoLines(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("unix", filepath.Join(b.TempDir(), "echo"))
	if err != nil {
		b.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // the benchmark ends
			}
			served.Go(func() { echoConn(conn) })
		}
	})
	b.Cleanup(func() {
		if err := l.Close(); err != nil {
			b.Error(err)
		}
		served.Wait()
	})
	return l.Addr().String()
}

func echoConn(conn net.Conn) {
	defer func() { _ = conn.Close() }() // the client is gone
	in := bufio.NewReader(conn)
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		if _, err := conn.Write(line); err != nil {
			return
		}
	}
}

// wireRange asks for 10,000 rows of a span of time in one reply, and scans as many with the
// bare driver.
func wireRange(b *testing.B, dir string) {
	const rows = 10_000
	socket := filepath.Join(b.TempDir(), "s")
	serveForOn(b, dir, b.TempDir(), 0, nil, aimdb.Gateway(socket), aimdb.RemoteHistory(true))
	conns, err := dialLines(socket, 1)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conns[0].Close() }) // the server has closed it, or will
	db := openSQL(b, dir)
	load := wireLoad{request("record.query", scanned, fmt.Sprintf(`,"start":0,"end":9000000000000,"limit":%d`, rows)), 1, 1, 1}
	inTurns(b, rows, "rows/s",
		func() {
			if err := load.requests(conns[0]); err != nil {
				b.Fatal(err)
			}
		},
		yardstick{"driver", func() { scanBare(b, db, rows) }})
}
