package buildtext

import (
	"fmt"
	"runtime/debug"
	"strings"
)

// Own is the version of the program that asks.
func Own() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return Of(info)
	}
	return "unknown, as the binary has no build information"
}

// Of is the version of a build: v1.2.3, commit 0123456789ab of
// 2026-11-27T12:00:00Z, go1.26.1, linux/amd64.
func Of(info *debug.BuildInfo) string {
	setting := map[string]string{}
	for _, s := range info.Settings {
		setting[s.Key] = s.Value
	}
	version := info.Main.Version
	if version == "" {
		version = "(devel)"
	}
	parts := []string{version}
	if commit := setting["vcs.revision"]; commit != "" {
		text := "commit " + commit[:min(12, len(commit))]
		if at := setting["vcs.time"]; at != "" {
			text += " of " + at
		}
		if setting["vcs.modified"] == "true" {
			text += " with uncommitted changes"
		}
		parts = append(parts, text)
	}
	return strings.Join(append(parts, info.GoVersion, fmt.Sprintf("%s/%s", setting["GOOS"], setting["GOARCH"])), ", ")
}
