package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
)

// subscriberLoad is what BenchmarkSubscribers asks of its child.
type subscriberLoad struct {
	Connections int
	// Last is the number in the value that ends a subscription.
	Last int
}

// BenchmarkSubscribers produces 10,000 values a second of one record, which 100 connections of
// a second process have subscribed to. lost is what the subscribers did not get, cores what
// this process, the server, takes of the processors. The targets are 0 and 1.5. The ring keeps
// the values of 6.5 of the 20 seconds, so subscribers may be that late and lose nothing.
func BenchmarkSubscribers(b *testing.B) {
	const connections, perSecond, seconds = 100, 10_000, 20
	for b.Loop() {
		socket := filepath.Join(b.TempDir(), "s")
		s := serveFor(b, 1, []aimdb.RecordOption{aimdb.Ring(65536), aimdb.Remote()}, aimdb.Gateway(socket))
		r := s.records[0]
		ended := subscribers(b, subscriberLoad{connections, perSecond * seconds}, socket)
		before, err := processorTime()
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		for n := 1; n <= perSecond*seconds; n++ {
			r.Produce(sample{N: n})
			if n%10 == 0 {
				time.Sleep(time.Until(start.Add(time.Duration(n) * time.Second / perSecond)))
			}
		}
		took := time.Since(start)
		// What a subscriber has lost it may have lost at the end too: the last value comes
		// until all have it.
		lost := -1
		for lost < 0 {
			select {
			case lost = <-ended:
			case <-time.After(100 * time.Millisecond):
				r.Produce(sample{N: perSecond * seconds})
			}
		}
		after, err := processorTime()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(lost), "lost")
		b.ReportMetric(perSecond*seconds/took.Seconds(), "values/s")
		b.ReportMetric((after-before).Seconds()/took.Seconds(), "cores")
	}
	b.ReportMetric(0, "ns/op") // a turn is no operation
}

// subscribers starts the child and waits until it is subscribed. What it has lost comes when
// it ends.
func subscribers(b *testing.B, load subscriberLoad, socket string) <-chan int {
	b.Helper()
	cmd := wireCommand(b, "subscriber", load, socket)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	var ready, lost int
	if _, err := fmt.Fscanln(out, &ready); err != nil || ready != load.Connections {
		b.Fatalf("%d of %d are subscribed (%v)", ready, load.Connections, err)
	}
	ended := make(chan int, 1)
	go func() {
		_, err := fmt.Fscanln(out, &lost)
		if err := errors.Join(err, cmd.Wait()); err != nil {
			b.Error(err)
		}
		ended <- lost
	}()
	return ended
}

// runSubscriber is the child process: subscribers that count the values they do not get.
func runSubscriber(args []string) error {
	var load subscriberLoad
	if err := json.Unmarshal([]byte(args[0]), &load); err != nil {
		return err
	}
	conns, err := dialLines(args[1], load.Connections)
	if err != nil {
		return err
	}
	for _, c := range conns {
		if err := subscribeLine(c); err != nil {
			return err
		}
	}
	fmt.Println(len(conns))
	lost, failed := make([]int, len(conns)), make([]error, len(conns))
	var all sync.WaitGroup
	for i, c := range conns {
		all.Go(func() { lost[i], failed[i] = load.count(c) })
	}
	all.Wait()
	sum := 0
	for _, n := range lost {
		sum += n
	}
	fmt.Println(sum)
	return errors.Join(failed...)
}

// subscribeLine returns when the server has the subscription.
func subscribeLine(c *lineConn) error {
	if _, err := fmt.Fprintf(c, `{"t":"sub","id":1,"topic":%q}`+"\n"+`{"t":"ping"}`+"\n", wireRecord); err != nil {
		return err
	}
	_, err := c.in.ReadSlice('\n')
	return err
}

func (l subscriberLoad) count(c *lineConn) (lost int, err error) {
	for got := 0; ; {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if !bytes.Contains(line, []byte(`"t":"event"`)) {
			continue
		}
		got++
		if bytes.Contains(line, fmt.Appendf(nil, `"n":%d,`, l.Last)) || bytes.Contains(line, fmt.Appendf(nil, `"n":%d}`, l.Last)) {
			return l.Last - got, nil
		}
	}
}
