package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/aimdb-go/aimdb/ingest"
	"github.com/aimdb-go/aimdb/internal/jsonrule"
)

// put answers PUT /api/records/{key}.
func (q *request) put() *problem {
	wait, p := q.oneOf("wait", "logged", "none")
	if p != nil {
		return p
	}
	value, err := io.ReadAll(io.LimitReader(q.body(), q.limits.line+1))
	if err == nil && int64(len(value)) > q.limits.line {
		err = errLongLine
	}
	if err != nil {
		return q.bodyProblem(err)
	}
	ctx := q.r.Context()
	pending, err := q.writer.SetLogged(ctx, q.grants, q.key, value)
	if err != nil {
		return setProblem(err)
	}
	status := http.StatusAccepted
	if wait == "logged" {
		status = http.StatusNoContent
		if err := pending.Wait(ctx); err != nil {
			return setProblem(err)
		}
	}
	q.w.WriteHeader(status)
	return nil
}

// errLongLine is the error of a value that is too long.
var errLongLine = errors.New("a line is too long")

const (
	// mostPending is the number of values that wait for the log at a time.
	mostPending = 16_384
	// mostFaults is the number of refused lines that an answer describes.
	mostFaults = 100
)

// batch is the state of one POST /api/write.
type batch struct {
	*request
	decoder  *jsontext.Decoder
	source   bytes.Buffer
	line     int
	accepted int
	refused  int
	faults   []fault
	// full is set once the log cannot be written. No further line is read.
	full error
	// pending are the values that the log may not have yet. They are of lines after
	// settled, in lines.
	pending []ingest.Pending
	lines   []int
}

// written is the answer to a batch that was accepted as a whole.
type written struct {
	Accepted int `json:"accepted"`
}

// write answers POST /api/write.
func (q *request) write() *problem {
	b := &batch{request: q}
	b.decoder = jsontext.NewDecoder(&b.source)
	end, failed := b.read(bufio.NewReaderSize(q.body(), 64<<10))
	if failed == nil {
		failed = b.settle(b.r.Context(), len(b.pending))
	}
	switch {
	case failed != nil:
		end = failedProblem(failed)
	case b.full != nil:
		end = problemf(http.StatusServiceUnavailable, "%v; %d lines were taken, and no line after line %d was read", b.full, b.accepted, b.line)
	case end == nil && b.refused == 0:
		return q.json(http.StatusOK, written{b.accepted})
	case end == nil:
		end = problemf(http.StatusUnprocessableEntity, "%d of %d lines were refused; the others were taken", b.refused, b.refused+b.accepted)
	}
	end.Accepted, end.Refused, end.Errors = &b.accepted, b.refused, b.faults
	return end
}

// read sets the lines of a body. end is why it ends early, failed an error of the server.
func (b *batch) read(body *bufio.Reader) (end *problem, failed error) {
	var long []byte
	for {
		part, err := body.ReadSlice('\n')
		if int64(len(long)+len(part)) > b.limits.line {
			err = errLongLine
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			long = append(long, part...)
			continue
		case err != nil && err != io.EOF:
			end := b.bodyProblem(err)
			return end, b.settleRest()
		}
		line := part
		if len(long) > 0 {
			long = append(long, part...)
			line = long
		}
		b.line++
		if failed := b.set(bytes.TrimSpace(line)); failed != nil {
			return nil, failed
		}
		long = long[:0]
		if err == io.EOF || b.full != nil {
			return nil, nil
		}
	}
}

// set sets one line. An empty one is skipped.
func (b *batch) set(line []byte) error {
	if len(line) == 0 {
		return nil
	}
	key, value, err := b.parse(line)
	if err != nil {
		b.refuse(fault{Line: b.line, Cause: "malformed", Detail: "the line is not {\"key\":…,\"value\":…}: " + err.Error()})
		return nil
	}
	pending, err := b.writer.SetLogged(b.r.Context(), b.grants, key, value)
	if err != nil {
		return b.note(b.line, err)
	}
	b.accepted++
	b.pending, b.lines = append(b.pending, pending), append(b.lines, b.line)
	if len(b.pending) == mostPending {
		return b.settle(b.r.Context(), mostPending/2)
	}
	return nil
}

// note notes a line that was refused. It returns an error of the server.
func (b *batch) note(line int, err error) error {
	f, _, ok := faultOf(err)
	if !ok {
		return err
	}
	f.Line = line
	b.refuse(f)
	var r *ingest.Refusal
	if errors.As(err, &r) && r.Err != nil {
		b.full = r.Err
	}
	return nil
}

func (b *batch) refuse(f fault) {
	if b.refused++; len(b.faults) < mostFaults {
		b.faults = append(b.faults, f)
	}
}

// settleRest is settle for a body that ends early. The context of the request has ended if
// the client has closed its side, and it may still read the answer.
func (b *batch) settleRest() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.r.Context()), b.limits.write)
	defer cancel()
	return b.settle(ctx, len(b.pending))
}

// settle waits until the log has the first of the pending values.
func (b *batch) settle(ctx context.Context, first int) error {
	for i, pending := range b.pending[:first] {
		if err := pending.Wait(ctx); err != nil {
			b.accepted--
			if err := b.note(b.lines[i], err); err != nil {
				return err
			}
		}
	}
	b.pending = append(b.pending[:0], b.pending[first:]...)
	b.lines = append(b.lines[:0], b.lines[first:]...)
	return nil
}

// parse returns the members of a line. They are valid until the next line.
func (b *batch) parse(line []byte) (key string, value []byte, err error) {
	if err := jsonrule.CheckText(line); err != nil {
		return "", nil, fmt.Errorf("it %w", err)
	}
	b.source.Reset()
	b.source.Write(line)
	// What a value may be, ingest decides, as for the other ways in.
	b.decoder.Reset(&b.source, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if start, err := b.decoder.ReadToken(); err != nil || start.Kind() != '{' {
		return "", nil, errors.Join(err, errNoObject)
	}
	for b.decoder.PeekKind() == '"' {
		name, err := b.decoder.ReadToken()
		if err != nil {
			return "", nil, err
		}
		text := name.String()
		if text == "key" && key != "" || text == "value" && value != nil {
			return "", nil, errTwice
		}
		switch text {
		case "key":
			token, err := b.decoder.ReadToken()
			if err != nil {
				return "", nil, err
			}
			if token.Kind() != '"' {
				return "", nil, errKeyText
			}
			key = token.String()
		case "value":
			raw, err := b.decoder.ReadValue()
			if err != nil {
				return "", nil, err
			}
			value = bytes.Clone(raw)
		default:
			return "", nil, errors.New("the member " + text + " is not known")
		}
	}
	if _, err := b.decoder.ReadToken(); err != nil {
		return "", nil, err
	}
	if _, err := b.decoder.ReadToken(); err != io.EOF {
		return "", nil, errors.Join(err, errMore)
	}
	if key == "" || value == nil {
		return "", nil, errMissing
	}
	return key, value, nil
}

// What is wrong with a line.
var (
	errNoObject = errors.New("it is no object")
	errKeyText  = errors.New("the key is no string")
	errTwice    = errors.New("a member comes twice")
	errMissing  = errors.New("it needs both members")
	errMore     = errors.New("there is more than one value in the line")
)
