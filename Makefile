# `make check` is what CI runs before the slow proofs. It makes its own environment in .venv.
BIN := .venv/bin

.PHONY: check format format-check lint types test slow site fuzz verify bench bench-archc bench-models picture gallery translations notebook vsix vscode-test page playground comparison clean

check: format-check lint types test

.venv/ready: pyproject.toml
	python3 -m venv .venv
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

format: .venv/ready # writes; `format-check` only looks
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

format-check: .venv/ready
	$(BIN)/ruff format --check .

lint: .venv/ready
	$(BIN)/ruff check .

types: .venv/ready
	$(BIN)/mypy

test: .venv/ready
	$(BIN)/pytest -n 2

slow: .venv/ready # every network against torchvision, over a thousand random programs: minutes
	$(BIN)/pytest -n 2 -m slow --durations=40

fuzz: .venv/ready # 20,000 random programs: hours; goes on where it stopped
	cd tests && ../$(BIN)/python -m fuzz --count 20000 --jobs 2 --state ../.fuzz.jsonl --out faults/random

verify: .venv/ready # every check of every network that needs no GPU: over an hour
	$(BIN)/archc verify archs --all -j 2 --timeout 3000

bench: .venv/ready bench-archc bench-models

bench-archc: .venv/ready # how fast archc is: 5 minutes
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/scaling.py
	$(BIN)/python benchmarks/summary.py
	-$(BIN)/python benchmarks/editor.py "" 1

bench-models: .venv/ready # docs/performance.md: about 6, 9 and 3 minutes; each runs whatever the others find
	-$(BIN)/python benchmarks/generated.py
	-$(BIN)/python benchmarks/recompute.py
	-$(BIN)/python benchmarks/fit.py

picture: .venv/ready # the README's network, and the lecture's AlexNet, drawn
	$(BIN)/archc draw alexnet --view volumes --engine graphviz-pure --force -o docs/images/alexnet_volumes.svg
	sed -n '/^```arch$$/,/^```$$/{/^```/d;p}' README.md | \
		$(BIN)/archc draw - --engine graphviz-pure --force -o docs/tinynet.svg

translations: .venv/ready # docs/from_torch.md and docs/from_keras.md, of the corpus
	$(BIN)/python docs/translations.py

gallery: .venv/ready # docs/gallery.md: every bundled network, drawn
	$(BIN)/python docs/gallery.py

notebook: .venv/ready # docs/notebook.ipynb: run, with what its cells show
	$(BIN)/python docs/run_notebook.py

vsix: .venv/ready # editors/vscode/archc.vsix, with a copy of archc inside; needs node 18 and npm
	rm -rf editors/vscode/bundled
	$(BIN)/pip install --quiet --no-compile --no-deps --target editors/vscode/bundled . lark pygls lsprotocol \
		cattrs attrs typing_extensions jinja2 markupsafe
	find editors/vscode/bundled -name '*.so' -delete # of one machine; what they speed up works without
	cd editors/vscode && npm ci --ignore-scripts && npm rebuild esbuild && npm test && npm run package

vscode-test: vsix # the extension in VS Code itself (code-server, from npm) in Chromium: about 5 minutes
	editors/vscode/test/code_server.sh build/code-server
	$(BIN)/pytest -m vscode tests/test_vscode_window.py

web/node_modules: web/package.json web/package-lock.json
	cd web && npm ci --ignore-scripts --no-audit --no-fund
	touch $@

page: web/node_modules # templates/page, of web/: after a change there; needs node 18 and npm
	node web/build.mjs

playground: .venv/ready web/node_modules # build/playground: the page with archc in it, for any web server
	$(BIN)/python web/playground.py build/playground

comparison: .venv/ready # docs/comparison.md: the bundled networks side by side, and plotted
	$(BIN)/python docs/comparison.py

site: .venv/ready # the documentation, into site/; fails at a link that leads nowhere
	$(BIN)/pip install --quiet --editable '.[docs]'
	$(BIN)/mkdocs build

clean:
	rm -rf .venv dist build site .mypy_cache .pytest_cache .ruff_cache .hypothesis
