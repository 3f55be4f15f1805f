package mqtt

import (
	broker "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// hook is how the broker library asks a Server. The library reads and writes packets and
// checks them against the protocol; it forwards, retains and resends nothing, because no
// message reaches its own index.
type hook struct {
	broker.HookBase
	server *Server
}

// ID implements broker.Hook.
func (h *hook) ID() string { return "aimdb" }

// Provides implements broker.Hook.
func (h *hook) Provides(b byte) bool {
	switch b {
	case broker.OnConnect, broker.OnConnectAuthenticate, broker.OnACLCheck, broker.OnSessionEstablish, broker.OnSessionEstablished,
		broker.OnAuthPacket, broker.OnPacketRead, broker.OnPacketEncode, broker.OnPacketProcessed,
		broker.OnSubscribe, broker.OnSubscribed, broker.OnPublish, broker.OnUnsubscribed:
		return true
	}
	return false
}

func connOf(cl *broker.Client) *conn { return cl.Net.Conn.(*conn) }

// OnConnect implements broker.Hook. The CONNECT is valid.
func (h *hook) OnConnect(cl *broker.Client, _ packets.Packet) error {
	connOf(cl).client = cl
	p := &cl.Properties.Props // which the library keeps as long as the connection
	p.User, p.AuthenticationData = nil, nil
	return nil
}

// OnConnectAuthenticate implements broker.Hook.
func (h *hook) OnConnectAuthenticate(cl *broker.Client, pk packets.Packet) bool {
	return connOf(cl).admit(pk)
}

// OnACLCheck implements broker.Hook. OnPublish and OnSubscribed decide. The library keeps a
// filter that is allowed here until the connection ends, so none is.
func (h *hook) OnACLCheck(_ *broker.Client, _ string, write bool) bool { return write }

// OnSessionEstablish implements broker.Hook. CONNACK follows.
func (h *hook) OnSessionEstablish(cl *broker.Client, pk packets.Packet) {
	c := connOf(cl)
	cl.Properties.Will = broker.Will{} // leave sends it
	previous, ok := h.server.sessions.enter(c, cl.ID, pk.Connect.Clean)
	if !ok { // the server ends
		_ = c.Close()
		return
	}
	if previous.conn != nil {
		previous.conn.ended.Store(true)
		previous.conn.disconnect(packets.ErrSessionTakenOver)
	}
	if previous.will != nil { // the session has ended, and the will waits no longer
		previous.will.send()
	}
}

// OnSessionEstablished implements broker.Hook. CONNACK was sent.
func (h *hook) OnSessionEstablished(cl *broker.Client, _ packets.Packet) {
	if c := connOf(cl); c.session != nil {
		c.watchGrants()
		c.session.resume(c)
	}
}

// OnAuthPacket implements broker.Hook. admit refuses clients that authenticate with it.
func (h *hook) OnAuthPacket(_ *broker.Client, pk packets.Packet) (packets.Packet, error) {
	return pk, packets.ErrProtocolViolation
}

// OnPacketRead implements broker.Hook. The library neither acknowledges nor refuses a message
// to a topic of its own.
func (h *hook) OnPacketRead(cl *broker.Client, pk packets.Packet) (packets.Packet, error) {
	if pk.FixedHeader.Type == packets.Publish && !broker.IsValidFilter(pk.TopicName, true) {
		c := connOf(cl)
		_, err := h.server.topics.key(pk.TopicName)
		c.refusePublish(causeTopic, packets.ErrTopicNameInvalid, err)
		return pk, packets.ErrRejectPacket
	}
	return pk, nil
}

// OnPublish implements broker.Hook. The library takes the error for one that has been dealt
// with, and sends no acknowledgement of its own.
func (h *hook) OnPublish(cl *broker.Client, pk packets.Packet) (packets.Packet, error) {
	connOf(cl).publish(&pk)
	return pk, packets.ErrRejectPacket
}

// OnPacketEncode implements broker.Hook.
func (h *hook) OnPacketEncode(cl *broker.Client, pk packets.Packet) packets.Packet {
	c := connOf(cl)
	switch pk.FixedHeader.Type {
	case packets.Connack:
		c.answerConnect(&pk)
	case packets.Pubcomp:
		if c.session != nil && c.session.release(pk.PacketID) { // the library does not know the message
			pk.ReasonCode, pk.Properties.ReasonString = packets.CodeSuccess.Code, ""
		}
	case packets.Unsuback:
		pk.ReasonCodes = c.unsubscribed // the library does not know the filters
	case packets.Disconnect:
		c.muted.Store(pk.ProtocolVersion < 5) // such a client knows no DISCONNECT of a server
	}
	return pk
}

// OnPacketProcessed implements broker.Hook.
func (h *hook) OnPacketProcessed(cl *broker.Client, pk packets.Packet, err error) {
	c := connOf(cl)
	if err != nil || c.session == nil {
		return
	}
	switch pk.FixedHeader.Type {
	case packets.Puback:
		c.session.acknowledged(c, pk.PacketID)
	case packets.Subscribe: // after SUBACK
		c.session.subscribe(c, c.subscribed)
		c.subscribed = nil
	}
}

// OnSubscribe implements broker.Hook. Messages to subscribers have QoS 1 at most.
func (h *hook) OnSubscribe(_ *broker.Client, pk packets.Packet) packets.Packet {
	for i := range pk.Filters {
		pk.Filters[i].Qos = min(pk.Filters[i].Qos, 1)
	}
	return pk
}

// OnSubscribed implements broker.Hook. SUBACK with the codes follows.
func (h *hook) OnSubscribed(cl *broker.Client, pk packets.Packet, codes []byte) {
	c := connOf(cl)
	for i, sub := range pk.Filters {
		code := c.refusesFilter(sub.Filter)
		if code == packets.CodeSuccess {
			codes[i] = sub.Qos
			c.subscribed = append(c.subscribed, sub)
			continue
		}
		h.server.counters.refuse(causeSubscription)
		if codes[i] = code.Code; !c.v5() {
			codes[i] = packets.ErrUnspecifiedError.Code
		}
	}
}

// OnUnsubscribed implements broker.Hook. UNSUBACK follows.
func (h *hook) OnUnsubscribed(cl *broker.Client, pk packets.Packet) {
	if c := connOf(cl); c.session != nil && len(pk.Filters) > 0 {
		c.unsubscribed = c.session.unsubscribe(c, pk.Filters)
	}
}
