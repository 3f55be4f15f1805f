package deploy

import (
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// packageFile is a file of a package, with what it may differ in taken out of source.
type packageFile struct {
	Source      string `yaml:"src"`
	Destination string `yaml:"dst"`
	Type        string `yaml:"type"`
	Info        struct {
		Mode int `yaml:"mode"`
	} `yaml:"file_info"`
}

// described is what two descriptions of the same package have to agree on.
type described struct {
	Section     string            `yaml:"section"`
	Priority    string            `yaml:"priority"`
	Maintainer  string            `yaml:"maintainer"`
	Vendor      string            `yaml:"vendor"`
	Homepage    string            `yaml:"homepage"`
	License     string            `yaml:"license"`
	Description string            `yaml:"description"`
	Scripts     map[string]string `yaml:"scripts"`
	Contents    []packageFile     `yaml:"contents"`
}

// TestReleasedPackages: a release has the packages that the test of the deb installs.
func TestReleasedPackages(t *testing.T) {
	var local described
	if err := yaml.Unmarshal([]byte(read(t, "nfpm.yaml")), &local); err != nil {
		t.Fatal(err)
	}
	var release struct {
		NFPMs []described `yaml:"nfpms"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "goreleaser.yaml")), &release); err != nil {
		t.Fatal(err)
	}
	if len(release.NFPMs) != 1 {
		t.Fatalf("there are %d descriptions of packages", len(release.NFPMs))
	}
	released := release.NFPMs[0]
	// goreleaser adds the program by itself, and has the other files that are made elsewhere.
	local.Contents = slices.DeleteFunc(local.Contents, func(f packageFile) bool { return f.Destination == "/usr/bin/aimdb" })
	for _, d := range []*described{&local, &released} {
		for i, f := range d.Contents {
			f.Source = strings.TrimPrefix(f.Source, "${FILES}/")
			d.Contents[i].Source = strings.TrimPrefix(f.Source, "artifacts/release/files/")
		}
	}
	if want, got := text(t, local), text(t, released); want != got {
		t.Errorf("nfpm.yaml says\n%s\nand goreleaser.yaml\n%s", want, got)
	}
}

func text(t *testing.T, d described) string {
	t.Helper()
	text, err := yaml.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
