package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/internal/counted"
)

// socketDirs are the directories in which running databases are looked for.
func socketDirs(env func(string) string) []string {
	if dirs := env("AIMDB_SOCKETS"); dirs != "" {
		return filepath.SplitList(dirs)
	}
	return aimx.DiscoverDirs()
}

// discovered returns the endpoint of the one database that runs on this machine.
func discovered(ctx context.Context, env func(string) string) (string, error) {
	dirs := socketDirs(env)
	found, err := aimx.Discover(ctx, dirs...)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	var answering []aimx.Instance
	for _, i := range found {
		if i.State == aimx.Answers {
			answering = append(answering, i)
		}
	}
	switch len(answering) {
	case 1: // whatever a directory hides that this user cannot read
		return answering[0].Endpoint, nil
	case 0:
		return "", errors.Join(noDatabase(dirs, found), err)
	}
	var list strings.Builder
	for _, i := range answering {
		fmt.Fprintf(&list, "\n  --connect %s  (%s)", i.Endpoint, i.Info.Server)
	}
	return "", usageError{fmt.Errorf("%s run here; say which one with --connect or AIMDB_CONNECT:%s", counted.Of(len(answering), "database"), list.String())}
}

// noDatabase says why no database was found, and what sockets there are.
func noDatabase(dirs []string, found []aimx.Instance) error {
	var others strings.Builder
	for _, i := range found {
		fmt.Fprintf(&others, "\n  %s: %s", i.Endpoint, described(i))
	}
	return fmt.Errorf("no database was found in %s; start one, such as aimdb demo, or give the endpoint of one with --connect or AIMDB_CONNECT%s", strings.Join(dirs, " and "), others.String())
}

// described says what a socket is that is no database of this user.
func described(i aimx.Instance) string {
	switch i.State {
	case aimx.Foreign:
		return "belongs to the user " + userName(i.Owner) + " and was not asked; name it with --connect if you trust it"
	case aimx.Dead:
		return "nobody listens there"
	case aimx.Silent:
		return "does not answer"
	}
	return string(i.State)
}

func userName(id string) string {
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}
