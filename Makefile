# flanctl: `make demo` shows it, `make test` proves it, `make install` puts it in place. `make help` lists the rest.

CARGO   ?= cargo
PREFIX  ?= /usr/local
CNI_BIN ?= /opt/cni/bin
PEERS   ?= 1000 10000
SECONDS ?= 600
# DESTDIR goes before every path of `install`, for packages.

BINDIR = $(DESTDIR)$(PREFIX)/bin
SHARE  = $(DESTDIR)$(PREFIX)/share
TARGET = $(or $(CARGO_TARGET_DIR),$(CARGO_BUILD_TARGET_DIR),target)
BIN    = $(TARGET)/release/flanctl

.PHONY: help build demo test check bench fuzz docs fixtures install clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-9s %s\n", $$1, $$2}' Makefile

build: ## the release binary
	.ci/packages demo
	$(CARGO) build --release --locked

demo: build ## a three-node cluster on this machine: pings, tables, and all is gone again
	$(BIN) lab demo

test: ## the whole suite, in namespaces of its own
	.ci/packages test
	$(CARGO) test --locked --no-run
	.ci/in-namespaces $(CARGO) test --locked --offline --no-fail-fast

check: ## formatting, lints and documentation, without a warning
	.ci/packages demo
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --no-default-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items

bench: ## the figures of the README for PEERS="1000 10000"; takes minutes
	.ci/packages test
	$(CARGO) bench --locked --bench cluster -- $(PEERS)
	$(CARGO) bench --locked --bench diagnose -- $(PEERS)
	$(CARGO) bench --locked --bench capture

fuzz: ## the fuzz targets of capture, SECONDS=600 each, guided by what they reach
	.ci/packages fuzz
	.ci/fuzz $(SECONDS)

docs: ## man pages and shell completions, anew from the command line's own tree
	$(CARGO) run --locked --quiet -- docs man
	$(CARGO) run --locked --quiet -- docs completions

fixtures: ## what the tests expect, written anew; the diff is the review
	BLESS=1 $(CARGO) test --locked --test suite readers::

# Takes the binary that `make build` left: root often has no cargo.
install: ## binary, man pages, completions, and the names that flannel's own files go by
	@[ -x $(BIN) ] || $(MAKE) build
	install -Dm755 $(BIN) $(BINDIR)/flanctl
	install -d $(SHARE)/man/man1
	install -m644 man/*.1 $(SHARE)/man/man1
	install -Dm644 completions/flanctl.bash $(SHARE)/bash-completion/completions/flanctl
	install -Dm644 completions/_flanctl $(SHARE)/zsh/site-functions/_flanctl
	install -Dm644 completions/flanctl.fish $(SHARE)/fish/vendor_completions.d/flanctl.fish
	install -Dm644 completions/flanctl.elv $(SHARE)/elvish/lib/flanctl.elv
	install -Dm644 completions/_flanctl.ps1 $(SHARE)/powershell/completions/_flanctl.ps1
	$(call link,flanctl,$(BINDIR)/flanneld)
	$(call link,$(PREFIX)/bin/flanctl,$(DESTDIR)$(CNI_BIN)/flannel)

# A link where nothing stands or where one to flanctl does; anybody else's program stays.
define link
@mkdir -p $(dir $(2)); case "$$(readlink $(2) || ls $(2) 2>/dev/null)" in \
	''|*flanctl) ln -sfn $(1) $(2) && echo "$(2) -> $(1)" ;; \
	*) echo "$(2) is another program: left as it is" ;; \
esac
endef

clean: ## what was built
	$(CARGO) clean
