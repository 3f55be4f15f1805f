package gateway

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// Handler serves the WebSocket at /ws, the client for web pages at /aimx.js, the protocol
// version at /version and the state of the server at /health, guarded by CheckHost. With
// Config.Access, only the WebSocket asks for one, and /health gives reasons only to who
// presents one. Without Config.Access it gives them to all but pages of other sites, which
// can read it as they can read /version. http.Server.Shutdown does not wait for WebSockets: call Close.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	slots := make(chan struct{}, s.config.Limits.Connections)
	mux.HandleFunc("GET /ws", func(w http.ResponseWriter, r *http.Request) {
		if !isSupported(r.URL.Query().Get("v")) {
			http.Error(w, "this server speaks AimX "+aimx.Version+"; connect to /ws?v="+aimx.Version, http.StatusUpgradeRequired)
			return
		}
		presented, refused := s.presented(r)
		if refused {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, access.ErrUnknown.Error(), http.StatusUnauthorized)
			return
		}
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			s.serveWebSocket(w, r, presented)
		default:
			s.counters.turnedAway.Add(1)
			http.Error(w, "too many connections; try again later", http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("GET /aimx.js", s.serveModule())
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		s.respond(w, map[string]string{"aimx": aimx.Version})
	})
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, r *http.Request) {
		health := map[string]any{
			"status": "ok", "clients": s.Connections(),
			"uptime_secs": int64(time.Since(s.started).Seconds()),
		}
		if s.config.Health != nil {
			if reasons := s.config.Health(); len(reasons) > 0 {
				health["status"] = "degraded"
				if s.hearsReasons(r) {
					health["reasons"] = reasons
				}
			}
		}
		s.respond(w, health)
	})
	return s.CheckHost(mux)
}

// isSupported reports whether a version has the major version of this server.
func isSupported(version string) bool {
	major, _, _ := strings.Cut(version, ".")
	return major == "3"
}

func (s *Server) serveWebSocket(w http.ResponseWriter, r *http.Request, presented *access.Grants) {
	// Without the check, a page of any site could write through the browser of its reader.
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: s.origins()})
	if err != nil { // Accept has answered the client
		s.config.Logger.Debug("a WebSocket was refused", "remote", r.RemoteAddr, "error", err)
		return
	}
	limits := s.config.Limits
	session := newSession(r.Context(), s, wire.NewMessageConn(socket, limits.FrameBytes, limits.WriteTimeout), webSocketTransport())
	session.remote = r.RemoteAddr
	s.serveSession(session, presented)
}

// hearsReasons reports whether a request for /health may hear why it is degraded.
func (s *Server) hearsReasons(r *http.Request) bool {
	g, refused := s.presented(r)
	if refused || g != nil {
		return !refused
	}
	origin := r.Header.Get("Origin") // which a browser sends with each request to another site
	return s.config.Access.Open() && (origin == "" || s.admitsOrigin(origin))
}

// presented returns the grants of what a request presents, nil if it presents nothing,
// which may still come in hello.
func (s *Server) presented(r *http.Request) (g *access.Grants, refused bool) {
	g, presented, err := s.config.Access.RequestOrQuery(r)
	switch {
	case err != nil:
		s.config.Logger.Warn("an AimX client presented an unknown token", "transport", "http", "remote", r.RemoteAddr, "refused_tokens", s.config.Access.Refused())
		return nil, true
	case !presented:
		return nil, false
	}
	return g, false
}

// respond answers with JSON that pages of every site may read: browsers fetch the
// version to find out why a connection failed.
func (s *Server) respond(w http.ResponseWriter, v any) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.config.Logger.Debug("cannot answer an HTTP request", "error", err)
	}
}
