package mcp

import (
	"context"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	resourcePrefix = "aimdb://"
	resourceSuffix = "/records"
	resourceKind   = "application/json"
)

// addResources adds the list of records of the configured database, and of any other as a
// template, under the names that upstream gives them.
func (s *Server) addResources() {
	read := func(ctx context.Context, request *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
		return s.readRecords(ctx, request.Params.URI)
	}
	if s.config.Endpoint != "" {
		name := strings.TrimPrefix(s.known[0].name, "unix://")
		s.mcp.AddResource(&sdk.Resource{
			URI: resourcePrefix + name + resourceSuffix, Name: "records", MIMEType: resourceKind,
			Description: "The records of the configured database",
		}, read)
	}
	s.mcp.AddResourceTemplate(&sdk.ResourceTemplate{
		URITemplate: resourcePrefix + "{+endpoint}" + resourceSuffix, Name: "records of a database", MIMEType: resourceKind,
		Description: "The records of the database at an endpoint, such as aimdb:///tmp/aimdb.sock/records",
	}, read)
}

func (s *Server) readRecords(ctx context.Context, uri string) (*sdk.ReadResourceResult, error) {
	endpoint, found := strings.CutPrefix(uri, resourcePrefix)
	endpoint, ends := strings.CutSuffix(endpoint, resourceSuffix)
	if !found || !ends || endpoint == "" {
		return nil, sdk.ResourceNotFoundError(uri)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer, err := s.listRecords(ctx, listArguments{at: at{Endpoint: endpoint}})
	if err != nil {
		return nil, err
	}
	text, err := encode(answer)
	if err != nil {
		return nil, err
	}
	return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{{URI: uri, MIMEType: resourceKind, Text: string(text)}}}, nil
}
