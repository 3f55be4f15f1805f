package integration

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/httpapi"
)

// BenchmarkHTTPWrite brings values of 100 records into SQLite by POST /api/write, against
// the same values from producers in the process, in a database that differs in nothing
// else. The target is 0.7 x-produce.
func BenchmarkHTTPWrite(b *testing.B) {
	ours := serveFor(b, 100, lossless(aimdb.Writable()))
	theirs := serveFor(b, 100, lossless(aimdb.Writable()))
	server := httptest.NewServer(httpapi.New(ours.DB))
	defer server.Close()
	bodies := httpBodies(b, ours)
	inTurns(b, storedValues, "values/s",
		func() {
			var all sync.WaitGroup
			for _, body := range bodies {
				all.Go(func() { postBatch(b, server.URL, body) })
			}
			all.Wait()
			flushAll(b, ours)
		},
		yardstick{"produce", func() {
			theirs.send(b, storedValues)
			flushAll(b, theirs)
		}})
}

func flushAll(b *testing.B, s *served) {
	if err := s.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// httpBodies returns the values of a turn in four bodies, as send has four producers.
func httpBodies(b *testing.B, s *served) [][]byte {
	const clients = 4
	bodies := make([][]byte, clients)
	for i := range storedValues {
		value, err := json.Marshal(s.value(i))
		if err != nil {
			b.Fatal(err)
		}
		bodies[i%clients] = fmt.Appendf(bodies[i%clients], "{\"key\":%q,\"value\":%s}\n", s.records[i%len(s.records)].Key(), value)
	}
	return bodies
}

func postBatch(b *testing.B, url string, body []byte) {
	response, err := http.Post(url+"/api/write", "application/x-ndjson", bytes.NewReader(body))
	if err != nil {
		b.Error(err)
		return
	}
	defer func() { _ = response.Body.Close() }()
	if text, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK {
		b.Errorf("%d %s, %v", response.StatusCode, text, err)
	}
}

// idleStreams is the number of clients of BenchmarkIdleStreams.
const idleStreams = 1000

// BenchmarkIdleStreams measures the memory of a client of /api/stream to which nothing is
// sent, beside one of a handler of net/http that has sent its header. The target is 40 KB.
func BenchmarkIdleStreams(b *testing.B) {
	s := serveFor(b, 100, lossless(aimdb.Remote()))
	s.send(b, 1000)
	flushAll(b, s)
	streams := httptest.NewServer(httpapi.New(s.DB))
	defer streams.Close()
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "event: caught_up\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer bare.Close()
	var ours, theirs float64
	for b.Loop() {
		theirs = bytesPerClient(b, bare.Listener.Addr().String())
		ours = bytesPerClient(b, streams.Listener.Addr().String())
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ours, "B/client")
	b.ReportMetric(theirs, "B/bare-client")
}

// bytesPerClient returns what an idle client takes of heap and stacks, with its own end of
// the connection.
func bytesPerClient(b *testing.B, address string) float64 {
	before := memoryInUse()
	var conns []net.Conn
	for range idleStreams {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			b.Fatal(err)
		}
		conns = append(conns, conn)
		if _, err := io.WriteString(conn, "GET /api/stream?pattern=plant.line0.*&after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			b.Fatal(err)
		}
	}
	for _, conn := range conns {
		for lines := bufio.NewReader(conn); ; {
			line, err := lines.ReadString('\n')
			if err != nil {
				b.Fatal(err)
			}
			if strings.Contains(line, "caught_up") {
				break
			}
		}
	}
	used := memoryInUse() - before
	for _, conn := range conns {
		_ = conn.Close() // nothing is read any more
	}
	time.Sleep(time.Second) // the handlers end
	return float64(used) / idleStreams
}

func memoryInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
