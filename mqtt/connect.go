package mqtt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/ingest"
	"github.com/mochi-mqtt/server/v2/packets"
)

// maxIDBytes is the longest client ID.
const maxIDBytes = 256

// admit decides on a CONNECT. CONNACK with the refusal follows if it returns false.
func (c *conn) admit(pk packets.Packet) bool {
	if len(c.client.ID) > maxIDBytes {
		return c.refuseConnect(causeProtocol, packets.ErrClientIdentifierNotValid, fmt.Errorf("the client ID has %d bytes; at most %d are allowed", len(c.client.ID), maxIDBytes))
	}
	if method := pk.Properties.AuthenticationMethod; method != "" {
		return c.refuseConnect(causeLogin, packets.ErrBadAuthenticationMethod, fmt.Errorf("the authentication method %q is not supported; use a user name and a password", method))
	}
	if c.grants = c.server.login(pk.Connect); c.grants == nil {
		return c.refuseConnect(causeLogin, packets.ErrBadUsernameOrPassword, errors.New("the user name and password are neither those of a user, nor is the password a token"))
	}
	if !pk.Connect.WillFlag {
		return true
	}
	w := &will{server: c.server, grants: c.grants, value: json.RawMessage(pk.Connect.WillPayload),
		delay: time.Duration(pk.Connect.WillProperties.WillDelayInterval) * time.Second}
	var err error
	if w.key, err = c.server.topics.key(pk.Connect.WillTopic); err != nil {
		return c.refuseConnect(causeWill, packets.ErrTopicNameInvalid, err)
	}
	if _, err := c.server.writer.Check(c.grants, w.key, w.value); err != nil {
		return c.refuseConnect(causeWill, codeOf(err), err)
	}
	c.will = w
	return true
}

// login returns the grants of a user, or of a token that is the password; nil for none.
func (s *Server) login(p packets.ConnectParams) *access.Grants {
	if s.access.Open() {
		return s.access.Anonymous()
	}
	name, password := string(p.Username), string(p.Password)
	if g := s.access.Token(password); g != nil {
		return g
	}
	if name == "" {
		return nil
	}
	return s.access.User(name, password)
}

// refuseConnect counts the refusal of a CONNECT.
func (c *conn) refuseConnect(cause string, code packets.Code, err error) bool {
	c.count(cause, err)
	c.refusal = &code
	return false
}

// answerConnect completes a CONNACK.
func (c *conn) answerConnect(pk *packets.Packet) {
	if c.refusal != nil {
		pk.ReasonCode, pk.Properties.ReasonString = c.refusal.Code, c.refusal.Reason
		if pk.ProtocolVersion < 5 {
			pk.ReasonCode = packets.Err3NotAuthorized.Code
			if *c.refusal == packets.ErrClientIdentifierNotValid {
				pk.ReasonCode = packets.Err3ClientIdentifierNotValid.Code
			}
		}
	}
	if pk.ReasonCode != packets.CodeSuccess.Code {
		return
	}
	pk.SessionPresent = c.resumed
	p := &pk.Properties
	p.TopicAliasMaximum = topicAliases
	p.MaximumPacketSize = uint32(c.server.config.Limits.PacketBytes)
	p.SharedSubAvailable, p.SharedSubAvailableFlag = 0, true
}

// watchGrants ends the connection when its grants are revoked.
func (c *conn) watchGrants() {
	revoked := c.grants.Revoked()
	if revoked == nil {
		return
	}
	c.work.Go(func() {
		select {
		case <-revoked:
			c.refuse(causeRevoked, packets.ErrNotAuthorized, errors.New("its token or user was removed or changed"))
		case <-c.ctx.Done():
		}
	})
}

// will is the last value of a client, which the server sets when the connection is lost.
type will struct {
	server *Server
	grants *access.Grants
	key    string
	value  json.RawMessage
	delay  time.Duration
}

// send sets the value.
func (w *will) send() {
	if w.revoked() {
		return
	}
	ctx, cancel := context.WithTimeout(w.server.ctx, w.server.config.Limits.WriteTimeout)
	defer cancel()
	if _, err := w.server.writer.SetLogged(ctx, w.grants, w.key, w.value); err != nil {
		w.server.counters.refuse(causeWill)
		w.server.config.Logger.Warn("the will of an MQTT client was not set", "record", w.key, "error", err)
	}
}

func (w *will) revoked() bool {
	select {
	case <-w.grants.Revoked():
		return true
	default:
		return false
	}
}

// codeOf returns the reason code of MQTT for a value that was not set.
func codeOf(err error) packets.Code {
	var r *ingest.Refusal
	if !errors.As(err, &r) {
		return packets.ErrServerUnavailable
	}
	switch r.Cause {
	case ingest.Denied, ingest.ReadOnly, ingest.Unknown:
		return packets.ErrNotAuthorized
	case ingest.Invalid:
		return packets.ErrPayloadFormatInvalid
	case ingest.TooManyRecords, ingest.NoSpace:
		return packets.ErrQuotaExceeded
	}
	return packets.ErrImplementationSpecificError
}
