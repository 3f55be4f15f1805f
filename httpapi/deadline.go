package httpapi

import (
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"time"
)

// extendWrite gives the client time to take the next part of an answer. A server that has no
// deadlines, such as a recorder of a test, goes without.
func (q *request) extendWrite() {
	_ = http.NewResponseController(q.w).SetWriteDeadline(time.Now().Add(q.limits.write))
}

// writePart is the most that is written under one deadline.
const writePart = 64 << 10

// Write implements io.Writer. A client has the time of the limit for each part.
func (q *request) Write(text []byte) (n int, err error) {
	for part := range slices.Chunk(text, writePart) {
		q.extendWrite()
		written, err := q.w.Write(part)
		if n += written; err != nil {
			return n, err
		}
	}
	return n, nil
}

// boundBody bounds the time that the server waits for a body that is not read, such as that
// of a request that is refused: it does so before it answers.
func (q *request) boundBody() {
	if q.r.ContentLength != 0 {
		_ = http.NewResponseController(q.w).SetReadDeadline(q.now.Add(q.limits.write)) // see extendWrite
	}
}

// body returns the body of a write with its bounds: in bytes, and in the time between two
// parts of it.
func (q *request) body() io.Reader {
	return &patientBody{
		body:    http.MaxBytesReader(q.w, q.r.Body, q.limits.body),
		control: http.NewResponseController(q.w), patience: q.limits.write,
	}
}

type patientBody struct {
	body     io.Reader
	control  *http.ResponseController
	patience time.Duration
}

// Read implements io.Reader.
func (b *patientBody) Read(into []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(b.patience)) // see extendWrite
	return b.body.Read(into)
}

// bodyProblem is the answer to a body that could not be read to its end.
func (q *request) bodyProblem(err error) *problem {
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return problemf(http.StatusRequestEntityTooLarge, "the body has more than %d bytes; send it in parts", tooLong.Limit)
	case errors.Is(err, errLongLine):
		return problemf(http.StatusRequestEntityTooLarge, "a value has more than %d bytes", q.limits.line)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problemf(http.StatusRequestTimeout, "no byte of the body came within %v", q.limits.write)
	}
	return problemf(http.StatusBadRequest, "the body ends early: %v", err)
}
