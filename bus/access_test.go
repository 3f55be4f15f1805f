package bus

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/bus/natsd"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/records"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"
)

// outsider is a client from outside the process.
type outsider struct {
	nc   *nats.Conn
	js   jetstream.JetStream
	errs chan error
}

func outside(t testing.TB, b testBus, opts ...nats.Option) *outsider {
	t.Helper()
	o := &outsider{errs: make(chan error, 100)}
	opts = append(opts, nats.NoReconnect(), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { o.errs <- err }))
	nc, err := nats.Connect("nats://"+b.server.Addr().String(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	o.nc = nc
	if o.js, err = jetstream.New(nc, jetstream.WithDefaultTimeout(2*time.Second)); err != nil {
		t.Fatal(err)
	}
	return o
}

// denied fails the test unless the server reports a permission violation.
func (o *outsider) denied(t testing.TB, what string) {
	t.Helper()
	if err := o.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-o.errs:
		if !errors.Is(err, nats.ErrPermissionViolation) {
			t.Fatalf("%s: %v, want a permission violation", what, err)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("%s was permitted", what)
	}
}

// running is a bus with a log of n values and a listener.
func running(t testing.TB, c setup, n int) (testBus, *records.Record[reading], *records.Registry) {
	t.Helper()
	c.Listen = "127.0.0.1:0"
	b := open(t, c)
	reg := registry(t)
	r := register(t, reg, "temp::vienna", records.Config{Kind: records.Ring, Capacity: 1000, Logged: true, Remote: true})
	republish(t, b, reg)
	for i := range n {
		r.Produce(reading{i})
	}
	if _, err := b.Flush(deadline(t), reg); err != nil {
		t.Fatal(err)
	}
	return b, r, reg
}

func TestOutsidersReadTheLog(t *testing.T) {
	b, r, reg := running(t, setup{}, 10)
	o := outside(t, b)
	sub, err := o.nc.SubscribeSync("aimdb.*.log.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := o.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	r.Produce(reading{10})
	m, err := sub.NextMsgWithContext(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	if m.Subject != "aimdb.test.log.temp.vienna" || string(m.Data) != `{"n":10}` || m.Header.Get(KeyHeader) != "temp::vienna" {
		t.Fatalf("got %s %s %v", m.Subject, m.Data, m.Header)
	}
	if _, err := b.Flush(deadline(t), reg); err != nil {
		t.Fatal(err)
	}
	c, err := o.js.OrderedConsumer(deadline(t), "AIMDB_test", jetstream.OrderedConsumerConfig{FilterSubjects: []string{"aimdb.test.log.>"}})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := c.Fetch(11)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for range batch.Messages() {
		n++
	}
	if n != 11 || batch.Error() != nil {
		t.Fatalf("an ordered consumer read %d of 11: %v", n, batch.Error())
	}
	list := o.js.ListStreams(deadline(t))
	for info := range list.Info() {
		if info.State.Msgs != 11 {
			t.Fatalf("the report shows %d messages", info.State.Msgs)
		}
	}
	if list.Err() != nil {
		t.Fatal(list.Err())
	}
	select {
	case err := <-o.errs:
		t.Fatalf("reading gave %v", err)
	default:
	}
}

func TestOutsidersCannotWrite(t *testing.T) {
	b, _, _ := running(t, setup{}, 10)
	c, err := b.Consumer(deadline(t), "victim", history.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	o := outside(t, b)
	for _, subject := range []string{
		"aimdb.test.log.temp.vienna", "aimdb.test.live.x", "aimdb.test.loss.x", "aimdb.other.log.x",
		"$JS.API.STREAM.DELETE.AIMDB_test", "$JS.API.STREAM.PURGE.AIMDB_test", "$JS.API.STREAM.UPDATE.AIMDB_test",
		"$JS.API.STREAM.CREATE.x", "$JS.API.STREAM.MSG.DELETE.AIMDB_test", "$JS.API.STREAM.SNAPSHOT.AIMDB_test",
		"$JS.API.CONSUMER.LIST.AIMDB_test", "$JS.API.CONSUMER.NAMES.AIMDB_test",
		"$JS.API.CONSUMER.PAUSE.AIMDB_test." + c.name,
		"$JS.API.CONSUMER.DURABLE.CREATE.AIMDB_test." + c.name, "$JS.API.CONSUMER.CREATE.AIMDB_test",
		"_AIMDB.x", "$SYS.REQ.SERVER.PING", "$JS.API.ACCOUNT.PURGE.$G",
		"$SYS.REQ.ACCOUNT.$G.CONNZ", "$SYS.REQ.SERVER.PING.CONNZ",
	} {
		if err := o.nc.PublishRequest(subject, o.nc.NewInbox(), nil); err != nil {
			t.Fatal(err)
		}
		o.denied(t, "publishing to "+subject)
	}
	for _, subject := range []string{">", "$SYS.>", "_AIMDB.>", "$JS.>", "$JS.EVENT.>", "aimdb.>", "_AIMDB_GUARD.>", "*.>", "$JS.ACK.>"} {
		if _, err := o.nc.SubscribeSync(subject); err != nil {
			t.Fatal(err)
		}
		o.denied(t, "subscribing to "+subject)
	}
	state, err := b.state(deadline(t))
	if err != nil || state.Msgs != 10 {
		t.Fatalf("the log has %d messages (%v)", state.Msgs, err)
	}
}

// A push consumer delivers in the server's name. Without the guard it would publish to
// subjects and call APIs that its owner may not.
func TestOutsidersCannotMakeTheServerWrite(t *testing.T) {
	b, _, _ := running(t, setup{}, 10)
	o := outside(t, b)
	for _, subject := range []string{
		"$JS.API.STREAM.PURGE.AIMDB_test", "$JS.API.STREAM.DELETE.AIMDB_test", "aimdb.test.live.spoof", "aimdb.other.log.spoof",
	} {
		_, err := o.js.CreatePushConsumer(deadline(t), "AIMDB_test", jetstream.ConsumerConfig{
			Name: "evil", DeliverSubject: subject, AckPolicy: jetstream.AckNonePolicy,
		})
		if err == nil || !strings.Contains(err.Error(), "pull consumers") {
			t.Fatalf("a consumer that delivers to %s: %v", subject, err)
		}
	}
	if _, err := o.js.CreateConsumer(deadline(t), "AIMDB_test", jetstream.ConsumerConfig{Durable: "stay"}); err == nil {
		t.Fatal("an outsider made a durable consumer")
	}
	state, err := b.state(deadline(t))
	if err != nil || state.Msgs != 10 || state.Consumers != 0 {
		t.Fatalf("the log has %d messages and %d consumers (%v)", state.Msgs, state.Consumers, err)
	}
}

func TestOutsidersCannotTakeTheSinksMessages(t *testing.T) {
	b, _, _ := running(t, setup{}, 10)
	c, err := b.Consumer(deadline(t), "victim", history.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	o := outside(t, b)
	// The name of the consumer is a secret and cannot be guessed.
	if _, err := o.nc.Request("$JS.API.CONSUMER.MSG.NEXT.AIMDB_test.sink_victim", nil, 300*time.Millisecond); err == nil {
		t.Fatal("an outsider was served for the sink")
	}
	if err := o.js.DeleteConsumer(deadline(t), "AIMDB_test", "sink_victim"); !errors.Is(err, jetstream.ErrConsumerNotFound) {
		t.Fatalf("deleting the sink's consumer by a guessed name: %v", err)
	}
	all := make([]Message, 10)
	n, err := c.Next(deadline(t), all, 1<<20, time.Now().Add(100*time.Millisecond))
	if err != nil || n != 10 {
		t.Fatalf("the sink read %d of 10: %v", n, err)
	}
}

// The limit on consumers of clients from outside does not limit the process's own.
func TestOutsidersCannotUseUpTheConsumers(t *testing.T) {
	b, _, _ := running(t, setup{}, 10)
	o := outside(t, b)
	made := 0
	for ; made <= natsd.MaxConsumers; made++ {
		if _, err := o.js.CreateConsumer(deadline(t), "AIMDB_test", jetstream.ConsumerConfig{
			FilterSubject: "aimdb.test.log.>", AckPolicy: jetstream.AckNonePolicy, InactiveThreshold: natsd.MaxConsumerIdle,
		}); err != nil {
			break
		}
	}
	if made != natsd.MaxConsumers {
		t.Fatalf("an outsider made %d consumers, want %d and a refusal", made, natsd.MaxConsumers)
	}
	for m, err := range b.Follow(deadline(t), key.WirePattern("#"), 0) {
		if err != nil || m.Sequence != 1 {
			t.Fatalf("followed to %d: %v", m.Sequence, err)
		}
		break
	}
	if all := readAll(t, b, history.Position{}, 10); len(all) != 10 {
		t.Fatalf("a sink read %d of 10", len(all))
	}
}

func TestWhoIsLetIn(t *testing.T) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	other, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	sign := func(k nkeys.KeyPair) nats.Option {
		return nats.Nkey(public, func(nonce []byte) ([]byte, error) { return k.Sign(nonce) })
	}
	b, _, _ := running(t, setup{Access: natsd.Access{
		Token: "let-me-in", Users: map[string]string{"ann": "secret"}, NKeys: []string{public},
	}}, 1)
	url := "nats://" + b.server.Addr().String()
	for name, c := range map[string]struct {
		opt nats.Option
		in  bool
	}{
		"nobody":         {nats.Name("x"), false},
		"token":          {nats.Token("let-me-in"), true},
		"wrong token":    {nats.Token("let-me"), false},
		"user":           {nats.UserInfo("ann", "secret"), true},
		"wrong password": {nats.UserInfo("ann", "secrets"), false},
		"no password":    {nats.UserInfo("bob", ""), false},
		"inside":         {nats.UserInfo("aimdb", ""), false},
		"nkey":           {sign(pair), true},
		"forged nkey":    {sign(other), false},
	} {
		t.Run(name, func(t *testing.T) {
			nc, err := nats.Connect(url, c.opt, nats.NoReconnect())
			if c.in != (err == nil) {
				t.Fatalf("let in: %v, want %v (%v)", err == nil, c.in, err)
			}
			if err == nil {
				nc.Close()
			}
		})
	}
}

func TestErrorsAtOpenNameTheThing(t *testing.T) {
	b := open(t, setup{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	dir := t.TempDir()
	first := open(t, setup{Config: Config{Name: "one"}, Dir: dir})
	for name, c := range map[string]struct {
		config setup
		want   string
	}{
		"port in use":      {setup{Config: Config{Name: "x"}, Listen: b.server.Addr().String()}, b.server.Addr().String()},
		"directory in use": {setup{Config: Config{Name: "one"}, Dir: dir}, "in use"},
		"bad name":         {setup{Config: Config{Name: "a.b"}}, `"a.b"`},
		"bad address":      {setup{Config: Config{Name: "x"}, Listen: "nowhere"}, `"nowhere"`},
		"no certificate":   {setup{Config: Config{Name: "x"}, Listen: "127.0.0.1:0", Access: natsd.Access{CertFile: "/nope.pem", KeyFile: "/nope.key"}}, "/nope.pem"},
		"half a pair":      {setup{Config: Config{Name: "x"}, Access: natsd.Access{CertFile: "c.pem"}}, "key file"},
		"not a directory":  {setup{Config: Config{Name: "x"}, Dir: "/dev/null/log"}, "/dev/null/log"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tryOpen(t, c.config)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want it to name %s", err, c.want)
			}
		})
	}
	closeBus(t, first)
	if _, err := tryOpen(t, setup{Config: Config{Name: "two"}, Dir: dir}); err == nil || !strings.Contains(err.Error(), `"one"`) {
		t.Fatalf("the log of another database: %v", err)
	}
}

// The server and the guard publish to the reply subject of a request in their own name.
func TestOutsidersCannotMakeTheServerReplyIntoTheLog(t *testing.T) {
	b, _, _ := running(t, setup{}, 10)
	o := outside(t, b)
	if _, err := o.js.CreateConsumer(deadline(t), "AIMDB_test", jetstream.ConsumerConfig{Name: "own", FilterSubject: "aimdb.test.log.>", AckPolicy: jetstream.AckNonePolicy}); err != nil {
		t.Fatal(err)
	}
	live, err := b.nc.SubscribeSync("aimdb.*.live.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, reply := range []string{"aimdb.test.log.temp.vienna", "aimdb.test.live.spoof", "$JS.API.STREAM.PURGE.AIMDB_test", "$JS.API.STREAM.DELETE.AIMDB_test"} {
		for subject, body := range map[string]string{
			"$JS.API.INFO": "", "$JS.API.STREAM.INFO.AIMDB_test": "", "$JS.API.STREAM.NAMES": "",
			"$JS.API.DIRECT.GET.AIMDB_test":               `{"next_by_subj":"aimdb.test.log.>"}`,
			"$JS.API.STREAM.MSG.GET.AIMDB_test":           `{"next_by_subj":"aimdb.test.log.>"}`,
			"$JS.API.CONSUMER.MSG.NEXT.AIMDB_test.own":    `{"batch":1}`,
			"$JS.API.CONSUMER.INFO.AIMDB_test.own":        "",
			"$JS.API.CONSUMER.CREATE.AIMDB_test.evil":     `{"stream_name":"AIMDB_test","config":{"deliver_subject":"x"}}`,
			"$JS.API.CONSUMER.CREATE.AIMDB_test.harmless": `{"stream_name":"AIMDB_test","config":{"name":"harmless","filter_subject":"aimdb.test.log.>"}}`,
		} {
			if err := o.nc.PublishRequest(subject, reply, []byte(body)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := o.nc.Request("$JS.API.STREAM.INFO.AIMDB_test", nil, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if m, err := live.NextMsg(300 * time.Millisecond); err == nil {
		t.Errorf("a live message was forged: %s %s", m.Subject, m.Data)
	}
	state, err := b.state(deadline(t))
	if err != nil || state.Msgs != 10 {
		t.Fatalf("the log has %d messages (%v)", state.Msgs, err)
	}
}

// Clients from outside are not protected from each other: one receives the replies to
// another, and can direct a reply of the server to another's subscription. The log and
// replies to the process itself are out of their reach.
func TestOutsidersHearEachOthersAnswers(t *testing.T) {
	b, _, _ := running(t, setup{}, 1)
	curious, other := outside(t, b), outside(t, b)
	heard, err := curious.nc.SubscribeSync("_INBOX.>")
	if err == nil {
		err = curious.nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.nc.Request("$JS.API.STREAM.INFO.AIMDB_test", nil, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if m, err := heard.NextMsgWithContext(deadline(t)); err != nil || !strings.Contains(string(m.Data), "stream_info_response") {
		t.Fatalf("heard %v: %v", m, err)
	}
	listening, err := other.nc.SubscribeSync(other.nc.NewInbox())
	if err == nil {
		err = other.nc.Flush()
	}
	if err == nil {
		err = curious.nc.PublishRequest("$JS.API.INFO", listening.Subject, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := listening.NextMsgWithContext(deadline(t)); err != nil {
		t.Fatal(err)
	}
	// Replies to the process itself do not reach clients from outside.
	if _, err := b.LastSequence(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if err := curious.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if n, _, err := heard.Pending(); err != nil || n != 1 {
		t.Fatalf("%d more messages were heard, want the one to the other (%v)", n, err)
	}
}
