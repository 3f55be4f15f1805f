# The commands of the project. What CI runs is `make check`.

GO        ?= go
INPUTS    ?= 20000
BENCHTIME ?= 500ms
BENCH     ?= .
PKGS      ?= ./...
ROUNDS    ?= 200
SOAK      ?= .
VERSION   ?= 0.0.0
# SQLite is C that was translated to Go and keeps its memory outside of Go's heap, which
# the race detector does not watch. Instrumented it takes five times as long and finds
# nothing; the driver above it stays instrumented.
RACE      ?= -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-race=false
HISTORY   ?= $(CURDIR)/artifacts/history-10m.db

.PHONY: help check fmt vet lint cross modules test race damaged fuzz-short fuzz bench bench-pair soak interop history-10m build tools packages release-check container demo

help: ## this list
	@grep -E '^[a-z0-9-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

check: fmt vet lint cross race damaged modules fuzz-short ## everything a change must pass

fmt: ## fails if a file is not formatted
	@out="$$(gofmt -l $$(git ls-files '*.go'))"; \
	if [ -n "$$out" ]; then echo "not formatted with gofmt:"; echo "$$out"; exit 1; fi

vet: ## vets all files; none asks for the lack of a tag, so that once is enough
	$(GO) vet -tags interop ./...

lint: ## staticcheck and errcheck
	$(GO) tool staticcheck ./...
	$(GO) tool errcheck -ignoretests -exclude .errcheck-exclude ./...

cross: ## every package and its tests are vetted, and every command linked, for Windows and macOS
	./scripts/cross

test: ## all tests
	$(GO) test -timeout 10m ./...

race: ## all tests under the race detector; they must leave nothing behind
	./scripts/clean-test $(GO) test $(RACE) -timeout 14m ./...

damaged: ## reads damaged Parquet files, which the race detector would end, and measures the memory of an export
	$(GO) test -count 1 -run 'TestDamagedFile|TestMemory' ./sinks/parquet

modules: ## vets, lints and tests the other modules of the repository, which have dependencies of their own
	$(GO) build -o bin/ honnef.co/go/tools/cmd/staticcheck github.com/kisielk/errcheck
	./scripts/modules $(GO) test $(RACE) -timeout 10m ./...

fuzz-short: ## each fuzz target there is, with INPUTS inputs
	./scripts/fuzz $(INPUTS)

fuzz: ## each fuzz target with a million inputs
	./scripts/fuzz 1000000

bench: ## all benchmarks, then what they measured beside the targets
	BENCHTIME=$(BENCHTIME) ./scripts/bench '$(BENCH)' $(PKGS)

bench-pair: ## all benchmarks of the checkout in BASE and of this one in turns
	BENCHTIME=$(BENCHTIME) ./scripts/bench-pair '$(BASE)' '$(BENCH)'

soak: ## the fault tests in their long form, ROUNDS kills for each kind of kill
	AIMDB_ROUNDS=$(ROUNDS) $(GO) test -timeout 60m -count 1 -v -run '$(SOAK)' ./integration/...

interop: ## the real nats CLI, Litestream, MCP inspector (with npm) and DuckDB (with cgo) against this build
	GOBIN="$(CURDIR)/bin" $(GO) install github.com/nats-io/natscli/nats@v0.5.0
	GOBIN="$(CURDIR)/bin" $(GO) install github.com/benbjohnson/litestream/cmd/litestream@v0.5.18
	npm install --prefix "$(CURDIR)/bin/inspector" --no-audit --no-fund node@22.23.3 @modelcontextprotocol/inspector@2.12.0
	INTEROP_BIN="$(CURDIR)/bin" $(GO) test -tags interop -timeout 10m -count 1 -v ./integration/interop/...
	$(GO) -C integration/duckdb test -timeout 10m -count 1 -v ./...

history-10m: ## a history of ten million rows, for the benchmarks of queries and pruning
	@mkdir -p $(dir $(HISTORY))
	$(GO) run ./scripts/history10m -rows 10000000 -records 100 $(HISTORY)

build: ## bin/aimdb
	$(GO) build -o bin/aimdb ./cmd/aimdb

tools: ## bin/nfpm, which makes packages
	GOBIN="$(CURDIR)/bin" $(GO) install github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2

packages: ## deb and rpm of this checkout into artifacts/packages, as VERSION
	./scripts/package artifacts/packages $(VERSION)

release-check: ## checks the settings of a release, and builds all its files into dist, without publishing any
	GOBIN="$(CURDIR)/bin" $(GO) install github.com/goreleaser/goreleaser/v2@v2.15.1
	bin/goreleaser check deploy/goreleaser.yaml
	bin/goreleaser release --snapshot --clean --config deploy/goreleaser.yaml
	@for file in dist/*/aimdb*; do $(GO) version -m $$file | grep -q vcs.revision= || \
		{ echo "$$file does not say its commit: run this in a clone, not in a worktree"; exit 1; }; done

container: ## the image aimdb of deploy/Containerfile, with podman, buildah or docker
	./scripts/container aimdb

demo: ## the weather hub on 127.0.0.1:8080
	$(GO) run ./cmd/aimdb demo
