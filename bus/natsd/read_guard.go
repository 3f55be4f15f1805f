package natsd

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// The parts of the API that read single messages and the state of the stream.
const (
	infoAPI   = "$JS.API.STREAM.INFO."
	getAPI    = "$JS.API.STREAM.MSG.GET."
	directAPI = "$JS.API.DIRECT.GET."
)

// checkInfo admits a request for the state of the stream. It lists only subjects that
// are open.
func (g *guard) checkInfo(m *nats.Msg) (api string, body []byte, err error) {
	api = infoAPI + g.stream
	if len(m.Data) == 0 {
		return api, nil, nil
	}
	var r server.JSApiStreamInfoRequest
	if err := json.Unmarshal(m.Data, &r); err != nil {
		return "", nil, fmt.Errorf("the request is not one for the state of a stream: %w", err)
	}
	if r.SubjectsFilter != "" {
		if err := g.checkOpen(r.SubjectsFilter); err != nil {
			return "", nil, err
		}
	}
	r.DeletedDetails = false
	body, err = json.Marshal(r)
	return api, body, err
}

// checkGet and checkDirect admit a request for a message.
func (g *guard) checkGet(m *nats.Msg) (api string, body []byte, err error) {
	body, err = g.checkMessage(m.Data)
	return getAPI + g.stream, body, err
}

func (g *guard) checkDirect(m *nats.Msg) (api string, body []byte, err error) {
	body, err = g.checkMessage(m.Data)
	return directAPI + g.stream, body, err
}

// checkLast admits a request for the last message of the subject at its end. The
// server takes no subject from its body.
func (g *guard) checkLast(m *nats.Msg) (api string, body []byte, err error) {
	subject := strings.TrimPrefix(m.Subject, guardSubject(g.stream, "last."))
	return directAPI + g.stream + "." + subject, m.Data, g.checkOpen(subject)
}

// checkMessage returns the body of a request for one message, encoded again. The
// message must be named by a subject: a sequence or a time alone may be that of any
// message.
func (g *guard) checkMessage(data []byte) ([]byte, error) {
	var r server.JSApiMsgGetRequest
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("the request is not one for a message: %w", err)
	}
	switch {
	case r.Batch > 0 || len(r.MultiLastFor) > 0:
		return nil, errors.New("clients read single messages: leave out batch and multi_last, or use a consumer")
	case (r.LastFor == "") == (r.NextFor == ""), r.NextFor == "" && (r.Seq > 0 || r.StartTime != nil):
		return nil, errors.New("clients do not read by sequence or time alone: name the subject with next_by_subj or last_by_subj")
	}
	if err := g.checkOpen(r.LastFor + r.NextFor); err != nil {
		return nil, err
	}
	return json.Marshal(r)
}
