package mqtt_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// device is a client of MQTT that shows each packet.
type device struct {
	testing.TB
	conn    net.Conn
	r       *bufio.Reader
	version byte
}

// dial opens a connection and sends no CONNECT.
func dial(t testing.TB, address string) *device {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	check(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	return &device{TB: t, conn: nc, r: bufio.NewReader(nc), version: 4}
}

// connect connects a device and returns it with the CONNACK.
func connect(t testing.TB, address string, version byte, id string, change func(*packets.Packet)) (*device, packets.Packet) {
	t.Helper()
	d := dial(t, address)
	d.version = version
	pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Connect}}
	pk.Connect = packets.ConnectParams{ProtocolName: []byte("MQTT"), ClientIdentifier: id, Keepalive: 60, Clean: true}
	if change != nil {
		change(&pk)
	}
	d.send(pk)
	return d, d.want(packets.Connack)
}

// send writes a packet.
func (d *device) send(pk packets.Packet) {
	d.Helper()
	var b bytes.Buffer
	pk.ProtocolVersion = d.version
	var err error
	switch pk.FixedHeader.Type {
	case packets.Connect:
		err = pk.ConnectEncode(&b)
	case packets.Publish:
		err = pk.PublishEncode(&b)
	case packets.Puback:
		err = pk.PubackEncode(&b)
	case packets.Pubrel:
		pk.FixedHeader.Qos = 1
		err = pk.PubrelEncode(&b)
	case packets.Subscribe:
		pk.FixedHeader.Qos = 1
		err = pk.SubscribeEncode(&b)
	case packets.Unsubscribe:
		pk.FixedHeader.Qos = 1
		err = pk.UnsubscribeEncode(&b)
	case packets.Disconnect:
		err = pk.DisconnectEncode(&b)
	default:
		d.Fatalf("no encoder for packets of type %d", pk.FixedHeader.Type)
	}
	check(d, err)
	_, _ = d.conn.Write(b.Bytes()) // the next read tells
}

// publish sends a value.
func (d *device) publish(qos byte, id uint16, topic, value string) {
	d.Helper()
	d.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: qos}, PacketID: id, TopicName: topic, Payload: []byte(value)})
}

func (d *device) subscribe(id uint16, subs ...packets.Subscription) packets.Packet {
	d.Helper()
	d.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Subscribe}, PacketID: id, Filters: subs})
	return d.want(packets.Suback)
}

func (d *device) ack(kind byte, id uint16) {
	d.Helper()
	d.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: kind}, PacketID: id})
}

// read returns the next packet.
func (d *device) read() (pk packets.Packet, err error) {
	if err := d.conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		return pk, err
	}
	first, err := d.r.ReadByte()
	if err != nil {
		return pk, err
	}
	pk.ProtocolVersion = d.version
	if err := pk.FixedHeader.Decode(first); err != nil {
		return pk, err
	}
	if pk.FixedHeader.Remaining, _, err = packets.DecodeLength(d.r); err != nil {
		return pk, err
	}
	body := make([]byte, pk.FixedHeader.Remaining)
	if _, err := io.ReadFull(d.r, body); err != nil {
		return pk, err
	}
	switch pk.FixedHeader.Type {
	case packets.Connack:
		err = pk.ConnackDecode(body)
	case packets.Publish:
		err = pk.PublishDecode(body)
	case packets.Puback:
		err = pk.PubackDecode(body)
	case packets.Pubrec:
		err = pk.PubrecDecode(body)
	case packets.Pubcomp:
		err = pk.PubcompDecode(body)
	case packets.Suback:
		err = pk.SubackDecode(body)
	case packets.Unsuback:
		err = pk.UnsubackDecode(body)
	case packets.Disconnect:
		err = pk.DisconnectDecode(body)
	default:
		err = fmt.Errorf("a packet of type %d", pk.FixedHeader.Type)
	}
	return pk, err
}

// want reads a packet of a type.
func (d *device) want(kind byte) packets.Packet {
	d.Helper()
	pk, err := d.read()
	if err != nil || pk.FixedHeader.Type != kind {
		d.Fatalf("got a packet of type %d with code %#x, %v; want type %d", pk.FixedHeader.Type, pk.ReasonCode, err, kind)
	}
	return pk
}

// wantClosed reads until the end of the connection and returns the code of the DISCONNECT, 0
// if there was none.
func (d *device) wantClosed() (code byte) {
	d.Helper()
	for {
		pk, err := d.read()
		switch {
		case err == nil && pk.FixedHeader.Type == packets.Disconnect:
			code = pk.ReasonCode
		case err == nil:
		case errors.Is(err, io.EOF) || strings.Contains(err.Error(), "reset"):
			return code
		default:
			d.Fatalf("the connection does not end: %v", err)
		}
	}
}

// wantValue reads a message to a subscriber and acknowledges it.
func (d *device) wantValue(topic, value string, retained bool) packets.Packet {
	d.Helper()
	pk := d.want(packets.Publish)
	if pk.TopicName != topic || string(pk.Payload) != value || pk.FixedHeader.Retain != retained {
		d.Fatalf("got %s %s, retained %v; want %s %s, retained %v", pk.TopicName, pk.Payload, pk.FixedHeader.Retain, topic, value, retained)
	}
	if pk.FixedHeader.Qos == 1 {
		d.ack(packets.Puback, pk.PacketID)
	}
	return pk
}
