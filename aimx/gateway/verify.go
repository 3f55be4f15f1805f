package gateway

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// verify answers history.verify. It waits for a verification that runs already: two at
// a time would read the whole history twice.
func (s *session) verify(params []byte) (historyQuery, *refusal) {
	if refused := parseParams(wire.MethodHistoryVerify, params, &struct{}{}); refused != nil {
		return nil, refused
	}
	run := s.server.config.Verify
	if run == nil {
		return nil, refuse(aimx.CodeInternal, "this server does not verify its history")
	}
	return func(ctx context.Context) (json.RawMessage, *refusal) {
		select {
		case s.server.verifying <- struct{}{}:
		case <-ctx.Done():
			return nil, s.queryError(ctx, wire.MethodHistoryVerify, "#", ctx.Err())
		}
		defer func() { <-s.server.verifying }()
		v, err := run(ctx)
		if err != nil {
			return nil, s.queryError(ctx, wire.MethodHistoryVerify, "#", err)
		}
		return marshal(s.history().verified(v))
	}, nil
}

// verified removes what is about private records, and counts it.
func (h publicHistory) verified(v aimx.Verification) aimx.Verification {
	var names []string
	records := len(v.Records)
	v.Records = slices.DeleteFunc(slices.Clone(v.Records), func(r aimx.VerifiedRecord) bool {
		private := h.isPrivate(r.Record)
		if private {
			names = append(names, r.Record)
		}
		return private
	})
	private := func(f aimx.Finding) bool {
		if f.Record != "" {
			return h.isPrivate(f.Record)
		}
		return slices.ContainsFunc(names, func(name string) bool { return mentions(f.Text, name) })
	}
	for _, r := range h.server.config.Registry.Records() {
		if h.isPrivate(r.Key()) {
			names = append(names, r.Key())
		}
	}
	unknown, known := len(v.Unknown), len(v.Known)
	v.Unknown = slices.DeleteFunc(slices.Clone(v.Unknown), private)
	v.Known = slices.DeleteFunc(slices.Clone(v.Known), private)
	v.Private = aimx.PrivateFindings{Records: records - len(v.Records), Unknown: unknown - len(v.Unknown), Known: known - len(v.Known)}
	return v
}

// mentions reports whether a text has a name as a word of its own.
func mentions(text, name string) bool {
	return slices.ContainsFunc(strings.Fields(text), func(word string) bool {
		return strings.Trim(word, "\"'`(),;:.") == name
	})
}
