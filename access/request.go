package access

import (
	"errors"
	"net/http"
	"strings"
)

// ErrUnknown is what a request gets whose token, name or password is unknown.
var ErrUnknown = errors.New("the token, or the name or password, is unknown; ask whoever runs the database for one")

// Request returns the grants of a request by its header Authorization: a token with the
// scheme Bearer, or a name and password with Basic. Each scheme may carry what [List.Login]
// takes: a token with a ':' in it as Basic, or NAME:PASSWORD as Bearer. Without users, Basic
// that is no token is ignored: a reverse proxy has asked for it. presented is false if there
// is neither, or if the list is open; the grants are those of Anonymous then. It returns
// ErrUnknown, with grants of nothing, for what is not in the list.
func (l *List) Request(r *http.Request) (g *Grants, presented bool, err error) {
	return l.request(r, "")
}

// RequestOrQuery is Request for a request that may have its token in the query parameter
// token instead, for page scripts, which cannot set the header of a WebSocket and of an
// EventSource. Addresses end up in logs: take it where nothing else works.
func (l *List) RequestOrQuery(r *http.Request) (g *Grants, presented bool, err error) {
	return l.request(r, r.URL.Query().Get("token"))
}

func (l *List) request(r *http.Request, token string) (*Grants, bool, error) {
	if l.Open() {
		return l.Anonymous(), false, nil
	}
	var g *Grants
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		token = strings.TrimSpace(rest)
	}
	name, password, basic := r.BasicAuth()
	if login := name + ":" + password; basic && (l.hasUsers() || l.token(login) != nil) {
		g = l.Login(login)
	} else if token != "" {
		g = l.Login(token)
	} else {
		return l.Anonymous(), false, nil
	}
	if g == nil {
		return &Grants{}, true, ErrUnknown // nil would allow everything
	}
	return g, true, nil
}
