package natsd

import (
	"testing"

	"github.com/nats-io/nats.go"
)

// subscribe returns a subscription of the process itself.
func subscribe(t testing.TB, s *Server, subject string) *nats.Subscription {
	t.Helper()
	nc, err := s.Connect(deadline(t), "test")
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

func TestRawPublisherPublishesAgainAfterARestart(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	p := s.Publisher()
	defer p.Close()
	for _, value := range []string{"before", "after"} {
		sub := subscribe(t, s, "test.a")
		ctx := deadline(t)
		for published := false; !published; {
			p.Add("test.a", []byte("reply.to"), []byte("Name: x\r\n"), []byte(value))
			err := p.Flush()
			if err != nil && ctx.Err() != nil { // the first write may meet the connection to the stopped server
				t.Fatal(err)
			}
			published = err == nil
		}
		m, err := sub.NextMsgWithContext(deadline(t))
		if err != nil {
			t.Fatal(err)
		}
		if string(m.Data) != value || m.Reply != "reply.to" || m.Header.Get("Name") != "x" {
			t.Fatalf("received %q with reply %q and headers %v", m.Data, m.Reply, m.Header)
		}
		if err := s.Restart(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRawPublisherOfAStoppedServer(t *testing.T) {
	s := open(t, Config{})
	p := s.Publisher()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	p.Add("test.a", nil, nil, []byte("1"))
	if err := p.Flush(); err == nil {
		t.Fatal("a message was published to a stopped server")
	}
	p.Close()
}
