package mqtt_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/mqtt"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

const killedDevices = 5

// runChild serves a database in a directory until it is killed.
func runChild(dir string) error {
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		return err
	}
	db, err := aimdb.New(aimdb.Dir(dir), aimdb.Name("home"), aimdb.WithPersistence(store, 0))
	if err != nil {
		return err
	}
	for i := range killedDevices {
		if _, err := aimdb.Register[int](db, fmt.Sprintf("device.%d", i), aimdb.Ring(128), aimdb.Persist(), aimdb.Writable()); err != nil {
			return err
		}
	}
	server, err := mqtt.New(db, mqtt.Config{})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		<-db.Ready()
		fmt.Println(l.Addr())
		if err := server.Serve(context.Background(), l); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	return db.Run(context.Background())
}

// startChild starts the server and returns its process and its address.
func startChild(t *testing.T, dir string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the child says no address: %v", err)
	}
	return cmd, strings.TrimSpace(line)
}

// TestKill: what was acknowledged before the server was killed is in the history, with QoS 1
// and 2, and in order.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	var acked [killedDevices][]int
	next := 0
	for round := range 4 {
		child, address := startChild(t, dir)
		var devices sync.WaitGroup
		var ends [killedDevices]int
		for i := range killedDevices {
			d, _ := connect(t, address, byte(4+i%2), fmt.Sprint("device", i), nil)
			devices.Go(func() { ends[i] = pump(d, i, next, &acked[i]) })
		}
		time.Sleep(time.Duration(20+rand.IntN(150)) * time.Millisecond) // the moment is arbitrary
		check(t, child.Process.Kill())
		_ = child.Wait()
		devices.Wait()
		for _, end := range ends {
			next = max(next, end)
		}
		t.Logf("round %d: up to %d", round, next)
	}
	for i, all := range acked {
		if t.Logf("device %d: %d values were acknowledged", i, len(all)); len(all) == 0 {
			t.Errorf("device %d: nothing was acknowledged", i)
		}
	}
	child, address := startChild(t, dir)
	for i := range killedDevices { // what was in the log before is stored before this is
		d, _ := connect(t, address, 4, "last", nil)
		d.publish(1, 1, fmt.Sprintf("aimdb/home/set/device/%d", i), "-1")
		d.want(packets.Puback)
	}
	await(t, "the last values are not stored", func() bool {
		for i := range killedDevices {
			if got := values(t, dir, i); len(got) == 0 || got[len(got)-1] != -1 {
				return false
			}
		}
		return true
	})
	check(t, child.Process.Kill())
	_ = child.Wait()
	for i := range killedDevices {
		checkAcked(t, i, values(t, dir, i), acked[i])
	}
}

// ackedBy holds what the devices of TestKill have sent and got acknowledged.
type ackedBy struct {
	mu   sync.Mutex
	sent map[uint16]int
}

// pump publishes numbers in a pipeline until the connection ends, with QoS 1 or 2, and
// returns the next number.
func pump(d *device, i, from int, acked *[]int) int {
	a := ackedBy{sent: make(map[uint16]int)}
	qos := byte(1 + i%2)
	room := make(chan struct{}, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			pk, err := d.read()
			if err != nil {
				return
			}
			if pk.FixedHeader.Type == packets.Puback || pk.FixedHeader.Type == packets.Pubrec {
				a.mu.Lock()
				*acked = append(*acked, a.sent[pk.PacketID])
				a.mu.Unlock()
			}
			if pk.FixedHeader.Type == packets.Pubrec {
				d.ack(packets.Pubrel, pk.PacketID)
				continue
			}
			<-room
		}
	}()
	for n := from; ; n++ {
		select {
		case room <- struct{}{}:
		case <-done:
			return n
		}
		id := uint16(n%60_000) + 1
		a.mu.Lock()
		a.sent[id] = n
		a.mu.Unlock()
		d.publish(qos, id, "aimdb/home/set/device/"+strconv.Itoa(i), strconv.Itoa(n))
	}
}

// values returns what a history has of a device.
func values(t *testing.T, dir string, i int) (all []int) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "history.db"))
	check(t, err)
	defer func() { check(t, db.Close()) }()
	rows, err := db.Query(`SELECT value_json FROM record_history WHERE record_name = ? ORDER BY id`, fmt.Sprintf("device.%d", i))
	check(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var n int
		check(t, rows.Scan(&n))
		all = append(all, n)
	}
	check(t, rows.Err())
	return all
}

// checkAcked: the numbers rise, and none that was acknowledged is missing.
func checkAcked(t *testing.T, i int, got, acked []int) {
	t.Helper()
	last, found := -1, make(map[int]bool)
	for _, n := range got[:len(got)-1] {
		if n <= last {
			t.Errorf("device %d: %d follows %d", i, n, last)
			return
		}
		last, found[n] = n, true
	}
	for _, n := range acked {
		if !found[n] {
			t.Errorf("device %d: %d was acknowledged and is not stored", i, n)
		}
	}
}
