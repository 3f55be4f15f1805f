package buildtext_test

import (
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/internal/buildtext"
)

// TestVersion: the version of a build is one line, whatever is known of it.
func TestVersion(t *testing.T) {
	if own := buildtext.Own(); !strings.Contains(own, runtime.Version()) {
		t.Errorf("this program says it is %q", own)
	}
	build := func(version string, settings ...string) *debug.BuildInfo {
		info := &debug.BuildInfo{GoVersion: "go1.26.0", Main: debug.Module{Version: version}}
		for _, s := range append(settings, "GOOS=linux", "GOARCH=arm64") {
			key, value, _ := strings.Cut(s, "=")
			info.Settings = append(info.Settings, debug.BuildSetting{Key: key, Value: value})
		}
		return info
	}
	commit := []string{"vcs.revision=0123456789abcdef", "vcs.time=2026-11-27T12:00:00Z"}
	for want, info := range map[string]*debug.BuildInfo{
		"(devel), go1.26.0, linux/arm64":                                                                       build("(devel)"),
		"v1.2.3, go1.26.0, linux/arm64":                                                                        build("v1.2.3"),
		"v1.2.3, commit 0123456789ab of 2026-11-27T12:00:00Z, go1.26.0, linux/arm64":                           build("v1.2.3", commit...),
		"(devel), commit 0123456789ab of 2026-11-27T12:00:00Z with uncommitted changes, go1.26.0, linux/arm64": build("", append(commit, "vcs.modified=true")...),
	} {
		if got := buildtext.Of(info); got != want {
			t.Errorf("the version is %q, want %q", got, want)
		}
	}
}
