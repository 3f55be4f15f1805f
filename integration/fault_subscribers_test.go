package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb"
)

// A subscriber that does not read is cut off; a thousand others get every
// value, and who writes does not notice.
func TestAStuckSubscriberAmongAThousand(t *testing.T) {
	t.Parallel()
	const subscribers, values = 1000 / slower, 100
	p := admit(t, setup{
		dir: t.TempDir(), options: []aimdb.Option{aimdb.NATS("127.0.0.1:0")},
		record: []aimdb.RecordOption{aimdb.Ring(64), aimdb.Persist(), aimdb.Remote(), aimdb.Lossless(aimdb.LogReader)},
	})
	text := subjectOf(p.records[0].Key())
	subs := make([]*nats.Subscription, subscribers)
	for i := range subs {
		subs[i] = subscribe(t, p.Addresses().NATS, text)
	}
	stuck := stuckSubscriber(t, p.Addresses().NATS, text)
	p.send(1, values)
	p.flush()
	for i, sub := range subs {
		for n := 1; n <= values; n++ {
			m, err := sub.NextMsg(patience)
			if err != nil || string(m.Data) != fmt.Sprintf(`{"n":%d}`, n) {
				t.Fatalf("subscriber %d, value %d: %v, %v", i, n, m, err)
			}
		}
	}
	p.nothingDropped()
	// The stuck one reads nothing yet, so that it stays stuck; that it is cut
	// off shows when it writes.
	often := time.NewTicker(50 * time.Millisecond)
	defer often.Stop()
	for deadline := time.Now().Add(patience); ; <-often.C {
		if _, err := io.WriteString(stuck, "PING\r\n"); err != nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the stuck subscriber was never cut off")
		}
	}
}

// subjectOf is the documented subject of a record in the log.
func subjectOf(key string) string {
	return "aimdb.kill.log." + strings.ReplaceAll(key, "::", ".")
}

// subscribe is one client with a connection of its own.
func subscribe(t *testing.T, address, subject string) *nats.Subscription {
	t.Helper()
	nc, err := nats.Connect("nats://"+address, nats.Timeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	sub, err := nc.SubscribeSync(subject)
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

// stuckSubscriber is a client that asks for the same values so often that they
// fit into no buffer of the system, and then does not read.
func stuckSubscriber(t *testing.T, address, subject string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // the server may have done so
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	var ask strings.Builder
	ask.WriteString("CONNECT {\"verbose\":false,\"headers\":true}\r\n")
	for i := range 2000 {
		fmt.Fprintf(&ask, "SUB %s %d\r\n", subject, i)
	}
	ask.WriteString("PING\r\n")
	if _, err := io.WriteString(conn, ask.String()); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewReader(conn); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "PONG") {
			return conn
		}
	}
}
