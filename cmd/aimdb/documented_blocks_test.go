package main

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// blocksRunBy names the test that runs the shell blocks of a document, or those below a heading.
func blocksRunBy() map[string]string {
	return map[string]string{
		"README.md#Two commands":                            "TestDemoFromREADME",
		"README.md#Without a line of Go":                    "TestServeFromREADME",
		"docs/tutorial.md":                                  "TestTutorial",
		"docs/HISTORY.md":                                   "TestHistoryDocument",
		"docs/SERVE.md":                                     "TestServeDocument",
		"docs/SINKS.md":                                     "TestSinksDocument",
		"docs/USE.md#While the demo runs":                   "TestUseItFrom",
		"docs/USE.md#Who may do what":                       "TestTokensFromUse",
		"docs/USE.md#Lines of a program":                    "TestFeedFromUse",
		"docs/how-to/backup-and-restore.md":                 "TestBackupHowTo",
		"docs/how-to/grafana.md":                            "TestGrafanaHowTo",
		"docs/how-to/mqtt-device.md":                        "TestMQTTHowTo",
		"docs/how-to/scale-out.md#The log on a NATS server": "TestLogOnAServer",
		"docs/how-to/scale-out.md#Queries elsewhere":        "TestLogOnAServer",
		"docs/how-to/scale-out.md#Sites and a hub":          "TestSitesAndHub",
		"docs/how-to/secure.md":                             "TestSecureHowTo",
		"docs/how-to/upgrade.md":                            "TestUpgradeHowTo",
	}
}

// blocksNotRun says why no test runs a shell block as it is typed, and what is tested instead.
// TestDocumentedCommands parses what is aimdb in them.
func blocksNotRun() map[string]string {
	return map[string]string{
		"docs/how-to/embed.md":                                          "it downloads a release of the module",
		"docs/how-to/scale-out.md#Three servers":                        "it needs three machines; TestLogOnAServer has the server read the configuration",
		"docs/how-to/run-as-a-service.md#Install":                       "it needs systemd as first process; the tests of deploy install the packages",
		"docs/how-to/run-as-a-service.md#See whether it runs":           "it needs systemd as first process; TestUnitIsHardened and TestServiceThatCannotStart run the command of the unit",
		"docs/how-to/run-as-a-service.md#Change the settings":           "it needs systemd as first process; TestServeDocument checks settings and reloads",
		"docs/how-to/run-as-a-service.md#Keep secrets from other users": "it writes to /etc",
		"docs/how-to/run-as-a-service.md#Remove":                        "it removes a package of the machine; the tests of deploy remove them from a directory",
		"docs/how-to/run-as-a-service.md#In a container":                "it needs podman; TestContainer builds the image and runs its program",
		"docs/how-to/run-as-a-service.md#Started as another user":       "it needs systemd as first process; TestServiceThatCannotStart has the fault and its end",
		"CONTRIBUTING.md": "it is what CI runs",
	}
}

// otherBlocks names the test of each block in another language, by document and heading. Those
// of Go and YAML have tests of their own, which go through all documents.
func otherBlocks() map[string]string {
	return map[string]string{
		"docs/USE.md#A web page":         "TestBrowserSnippet",
		"docs/USE.md#An assistant":       "TestAssistantConfiguration",
		"docs/USE.md#HTTP":               "TestUseItFromREADME",
		"docs/USE.md#Inside the program": "TestDocumentedOutput",
		"docs/USE.md#Who may do what":    "TestTokensFromUse",
		"docs/how-to/mqtt-device.md#Devices that cannot choose their topics": "TestMosquittoBridge",
		"docs/how-to/scale-out.md#Three servers":                             "TestLogOnAServer",
		"docs/how-to/upgrade.md#Go back":                                     "TestUpgradeHowTo",
		"docs/how-to/run-as-a-service.md#Started as another user":            "TestServiceThatCannotStart",
		"docs/how-to/run-as-a-service.md#On a read-only disk":                "TestServiceThatCannotStart",
		"docs/how-to/run-as-a-service.md#With a full disk":                   "TestServiceOnADiskThatFills",
	}
}

// othersNotRun says why no test has such a block.
func othersNotRun() map[string]string {
	return map[string]string{
		"docs/DESIGN.md#The way of a value":                             "it is a drawing",
		"docs/how-to/run-as-a-service.md#Change the settings":           "it is a drop-in of systemd",
		"docs/how-to/run-as-a-service.md#Open it to other machines":     "it is a drop-in of systemd",
		"docs/how-to/run-as-a-service.md#Keep secrets from other users": "it is a drop-in of systemd",
	}
}

// spansRunBy names the test that runs a command in the text of README.md.
func spansRunBy() map[string]string {
	return map[string]string{
		"go run ./cmd/aimdb serve":                      "TestServeFromREADME",
		"aimdb serve --config examples/serve/home.yaml": "TestServeDocument",
		"aimdb history migrate":                         "TestHistoryMigrate",
		"aimdb serve":                                   "TestServeFromREADME",
		"kill -9":                                       "TestServeFromREADME",
		"#Use it from":                                  "TestUseItFromREADME",
		"#Looking after a history":                      "TestHistoryDocument",
		"history stats --losses":                        "TestHistoryStatsListsWhatIsLost",
		"record list":                                   "TestUseItFrom",
		"aimdb verify":                                  "TestHistoryDocument",
		"make check":                                    "it is what CI runs",
	}
}

// TestEveryBlockRuns: each block of the documents, and each command in the text of README.md, is
// in one of the lists above, and what the lists name exists.
func TestEveryBlockRuns(t *testing.T) {
	tests := testNames(t)
	used := map[string]bool{}
	find := func(kind, document, heading, section string, lists ...map[string]string) {
		t.Helper()
		for _, list := range lists {
			for _, key := range []string{document + "#" + heading, document + "#" + section, document} {
				if test, ok := list[key]; ok {
					used[key] = true
					if strings.HasPrefix(test, "Test") && !tests[test] {
						t.Errorf("%s: there is no test %s", key, test)
					}
					return
				}
			}
		}
		t.Errorf("nothing runs the block of %s in %s below %q: write a test, or say why not in one of the lists", kind, document, heading)
	}
	for _, document := range documents(t) {
		for _, b := range blocks(t, document) {
			switch b.language {
			case "go", "yaml": // TestDocumentedGo and TestDocumentedSettings
			case "sh":
				find(b.language, document, b.heading, b.section, blocksRunBy(), blocksNotRun())
			default:
				find("another language", document, b.heading, b.section, otherBlocks(), othersNotRun())
			}
		}
	}
	for section := range spans(t, "README.md") {
		for _, span := range commandSpans(t, "README.md", section) {
			list, key := spansRunBy(), span
			if _, ok := list[key]; !ok {
				key = "#" + section
			}
			test, ok := list[key]
			if !ok || strings.HasPrefix(test, "Test") && !tests[test] {
				t.Errorf("README.md: nothing runs `%s` below %q (%s)", span, section, test)
			}
			used[key] = true
		}
	}
	for _, list := range []map[string]string{blocksRunBy(), blocksNotRun(), otherBlocks(), othersNotRun(), spansRunBy()} {
		for _, key := range slices.Sorted(maps.Keys(list)) {
			if !used[key] {
				t.Errorf("a list has %s, which no document has", key)
			}
		}
	}
}

// testNames returns the names of the tests of the repository.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			names[m[1]] = true
		}
		return err
	})
	must(t, err)
	return names
}
