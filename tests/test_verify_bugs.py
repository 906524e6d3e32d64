"""`archc verify --source`: bugs that people write are found, harmless edits are not flagged.

Both are edits of `dsl/archc/verify/example.py`. Each check has a bug of its own beside these, that
test_verify_checks.py plants.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from verifying import FAST, SLOW, edited, outcome

pytest.importorskip("torch")
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # torch's own
    pytest.mark.usefixtures("one_thread"),
]

# Lines of the example that edits are made to.
HEAD = "import torch\nfrom torch import"  # where `import` lines go
RELU = "        self.relu = nn.ReLU(inplace=True)\n        self.pool"
CELL = "        out = self.relu(self.bn1(self.conv1(x)))"
SUM = "return self.relu(x + shortcut)"
ALIVE = "torch.rand([x.shape[0], 1, 1, 1], device=x.device) < 1.0 - p"
STEM = "        x = self.relu(self.norm(self.stem(x)))"
POOL = "        x = self.pool(x)"
CELLS = "        x = self.cells(x)"
CAT = "torch.cat([self.left(x), self.right(x)], 1)"
EARLY = "        early = self.early(x) if self.training else None"
FEATURES = "        features = torch.flatten(self.gap(x), 1)"
LOGITS = "        logits = self.fc(self.dropout(features))"
RETURN = "        return ExampleOutput(features, logits, early)"
NORM = "self.norm = nn.BatchNorm2d(8, **factory)"
START = "        self.init_weights()\n"
OWN = "    def init_weights(self) -> None:"
FC_STD = "nn.init.normal_(module.weight, std=0.01)\n                nn.init.zeros_(module.bias)"


@dataclass(frozen=True)
class Planted:
    """Which check finds it, and what that says; "" where none does, and `says` why."""

    check: str
    says: str
    edits: dict[str, str]


def before(line: str, new: str) -> dict[str, str]:
    """A statement more in front of a line, as deep."""
    indent = line[: len(line) - len(line.lstrip())]
    return {line: f"{indent}{new}\n{line}"}


def at_import(statement: str) -> dict[str, str]:
    return {'\n\n__all__ = ["Ex': f'\n\n{statement}\n__all__ = ["Ex'}


IS = "is not the generated module's in training mode"
BUGS = {
    # modules and their numbers
    "less drop-path": Planted("as-written", f"output features {IS}", {"path(self.bn2(self.conv2(out)), 0.2": "path(self.bn2(self.conv2(out)), 0.1"}),
    "more dropout": Planted("as-written", f"output logits {IS}", {"nn.Dropout(0.5)": "nn.Dropout(0.6)"}),
    "dropout of another kind": Planted("as-written", f"output logits {IS}", {"nn.Dropout(0.5)": "nn.AlphaDropout(0.5)"}),
    "dropout that is forgotten": Planted("as-written", f"output logits {IS}", {LOGITS: "        logits = self.fc(features)"}),
    "dropout in another place": Planted("as-written", f"output features {IS}", {FEATURES: "        features = self.dropout(torch.flatten(self.gap(x), 1))", LOGITS: "        logits = self.fc(features)"}),
    "one mask for the whole batch": Planted("as-written", f"output features {IS}", {"[x.shape[0], 1, 1, 1]": "[1, 1, 1, 1]"}),
    "survivors that are not rescaled": Planted("as-written", f"output features {IS}", {"(alive.to(x.dtype) / (1.0 - p))": "alive.to(x.dtype)"}),
    "another momentum": Planted("as-written", rf"norm\.running_mean {IS}", {NORM: "self.norm = nn.BatchNorm2d(8, momentum=0.01, **factory)"}),
    "another epsilon": Planted("as-written", f"output features {IS}", {NORM: "self.norm = nn.BatchNorm2d(8, eps=1e-6, **factory)"}),
    "another number of groups": Planted("as-written", f"output features {IS}", {"nn.GroupNorm(4, 16": "nn.GroupNorm(2, 16"}),
    "dilation": Planted("as-written", f"output features {IS}", {"padding=1, groups=4": "padding=2, dilation=2, groups=4"}),
    "padding by reflection": Planted("as-written", f"output features {IS}", {"nn.Conv2d(3, 8, 3, padding=1": 'nn.Conv2d(3, 8, 3, padding=1, padding_mode="reflect"'}),
    "a mean that leaves out the padding": Planted("as-written", f"output features {IS}", {"nn.AvgPool2d(3, stride=1, padding=1)": "nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)"}),
    "a mean for a maximum": Planted("as-written", f"output features {IS}", {"nn.MaxPool2d(2)": "nn.AvgPool2d(2)"}),
    "windows that overlap": Planted("as-written", f"output features {IS}", {"nn.MaxPool2d(2)": "nn.MaxPool2d(3, 2, 1)"}),
    "sizes that round up": Planted("as-written", "of inputs of odd sizes", {"nn.MaxPool2d(2)": "nn.MaxPool2d(2, ceil_mode=True)"}),
    "another activation": Planted("as-written", f"output features {IS}", {RELU: RELU.replace("ReLU(", "LeakyReLU(0.001, ")}),
    "a bias that is not used": Planted("as-written", r"only the generated module has the gradient of fc\.bias", {LOGITS: "        logits = nn.functional.linear(self.dropout(features), self.fc.weight)"}),
    "a bias more": Planted("counts", r"cells\.\d\.conv1 has .* parameters, not", {"padding=1, bias=False, **factory)\n        self.bn1": "padding=1, **factory)\n        self.bn1"}),
    "a wider layer": Planted("as-written", r"left\.weight is|left\.bias is", {"nn.Conv2d(16, 8, 1": "nn.Conv2d(16, 12, 1", "nn.Conv2d(16, 8, 3, padding=1, groups=4": "nn.Conv2d(16, 4, 3, padding=1, groups=4"}),
    # wiring
    "a concatenation the other way round": Planted("as-written", f"output features {IS}", {CAT: "torch.cat([self.right(x), self.left(x)], 1)"}),
    "a shortcut that is left out": Planted("as-written", r"only the generated module has the gradient of cells\.0\.conv3", {SUM: "return self.relu(x)"}),
    "an activation that is left out": Planted("as-written", f"output features {IS}", {SUM: "return x + shortcut"}),
    "a sum with a factor": Planted("as-written", f"output features {IS}", {SUM: "return self.relu(x + 0.9999 * shortcut)"}),
    "a layer that runs twice": Planted("counts", r"cells\.1\.conv1 takes .* MACs, not", {CELLS: "        x = self.cells[1](self.cells(x))"}),
    "a layer that runs for nothing": Planted("counts", r"left takes .* MACs, not", before(EARLY, "self.left(x)")),
    "an input that is overwritten": Planted("as-written", "modified by an inplace operation", {CELL: CELL.replace("(x)", "(x.neg_())")}),
    "a gradient that is cut": Planted("as-written", "only the generated module has the gradient of", {CELLS: "        x = self.cells(x).detach()"}),
    "a gradient that is scaled": Planted("as-written", f"the gradient of .* {IS}", before(FEATURES, "x = 2 * x - x.detach()")),
    "a gradient that is clipped": Planted("as-written", f"the gradient of .* {IS}", before(FEATURES, "x.requires_grad and x.register_hook(lambda g: g.clamp(-1e-3, 1e-3))")),
    "a hook on a weight": Planted("as-written", rf"the gradient of fc\.weight {IS}", {START: f"{START}        self.fc.weight.register_hook(lambda g: 0.5 * g)\n"}),
    "no gradient for the input": Planted("as-written", "the gradient of input 0", {STEM: STEM.replace("(x))", "(x.detach()))")}),
    # outputs and auxiliary heads
    "outputs that are swapped": Planted("as-written", "output features", {RETURN: "        return ExampleOutput(logits, features, early)"}),
    "outputs of one shape that are swapped": Planted("as-written", f"output early {IS}|output logits {IS}", {RETURN: "        return ExampleOutput(features, *((early, logits) if self.training else (logits, None)))"}),
    "fields that are swapped": Planted("as-written", "output features|output logits", {"    features: Tensor\n    logits: Tensor\n": "    logits: Tensor\n    features: Tensor\n"}),
    "a tuple for a record": Planted("as-written", "only .* has output", {RETURN: "        return features, logits, early"}),
    "probabilities for logits": Planted("as-written", f"output logits {IS}", {LOGITS: LOGITS + ".softmax(1)"}),
    "a head in eval mode too": Planted("as-written", "only it has output early in eval mode", {EARLY: "        early = self.early(x)"}),
    "a head that is forgotten": Planted("as-written", "only the generated module has output early", {EARLY: "        early = None"}),
    "a head on another tensor": Planted("as-written", f"output early {IS}", {EARLY: "", "        x = self.avgpool(self.spread(x))": f"{EARLY}\n        x = self.avgpool(self.spread(x))"}),
    "a batch of one that is squeezed": Planted("batch-independence", "of a batch of one is", {FEATURES: "        features = self.gap(x).squeeze()"}),
    # the start
    "another deviation": Planted("as-written", r"fc\.weight starts with a deviation of 0\.0\d+ around .*, not a deviation of 0\.00|early\.2\.weight starts", {"std=0.01": "std=0.02"}),
    "another mode": Planted("as-written", "weight starts with a deviation", {'mode="fan_out"': 'mode="fan_in"'}),
    "another distribution": Planted("as-written", "weight starts", {"kaiming_normal_": "kaiming_uniform_"}),
    "a bias that starts at 0.1": Planted("as-written", r"bias starts with 0\.1, not 0", {FC_STD: FC_STD.replace("zeros_(module.bias)", "constant_(module.bias, 0.1)")}),
    "a layer that starts otherwise": Planted("as-written", r"fc\.weight starts", {START: f"{START}        if self.fc.weight.device.type != 'meta':\n            nn.init.xavier_normal_(self.fc.weight)\n"}),
    "a start outside of init_weights": Planted("init-weights", r"starts fc\.bias otherwise than the constructor", {START: f"{START}        if self.fc.weight.device.type != 'meta':\n            nn.init.ones_(self.fc.bias)\n"}),
    "no start at all": Planted("as-written", "starts", {START: ""}),
    "a start that loops over modules undo": Planted("init-weights", "beside init_weights there is reset_parameters", {OWN: f"    def reset_parameters(self) -> None:\n        self.init_weights()\n\n{OWN}"}),
    # weights, buffers and their names
    "a buffer that is not saved": Planted("state", "output 0 is another after loading the state_dict", {NORM: f"{NORM}\n        self.register_buffer('b', torch.rand(1, **factory), persistent=False)", POOL: f"{POOL} + self.b"}),
    "a buffer more": Planted("as-written", "its state_dict has b, which", {NORM: f"{NORM}\n        self.register_buffer('b', torch.zeros(1, **factory))"}),
    "a name that is another": Planted("as-written", r"its state_dict has no norm\.bias", {NORM: NORM.replace("norm", "bn", 1), STEM: STEM.replace("norm", "bn")}),
    "layers in a list": Planted("as-written", "its state_dict has no left", {"self.left = nn.Conv2d(16, 8, 1, **factory)": "self.lefts = [nn.Conv2d(16, 8, 1, **factory)]", CAT: CAT.replace("left", "lefts[0]")}),
    "weights that are shared": Planted("counts", "parameters, not", {START: f"        self.fc.weight = self.early[2].weight\n{START}"}),
    "statistics that are not kept": Planted("as-written", r"its state_dict has no norm\.num_batches_tracked", {NORM: "self.norm = nn.BatchNorm2d(8, track_running_stats=False, **factory)"}),
    "weights that are taken without a word": Planted("state", "is taken without a word", {OWN: f"    def load_state_dict(self, state, strict=True, assign=False):\n        return super().load_state_dict(state, False, assign)\n\n{OWN}"}),
    "a weight that is not trained": Planted("as-written", r"trains left\.weight", {START: f"{START}        self.left.weight.requires_grad_(False)\n"}),
    "a copy that is none": Planted("copying", r"is shared after copy\.deepcopy", {OWN: f"    def __deepcopy__(self, memo):\n        return self\n\n{OWN}"}),
    # types and devices
    "a part in float64": Planted("dtype", "makes float64 of bfloat16", {POOL: "        x = self.pool(x.double()).to(x.dtype)"}),
    "a part in half precision": Planted("as-written", f"output features {IS}", {POOL: "        x = self.pool(x.half()).to(x.dtype)"}),
    "a cast that is written down": Planted("dtype", r'line \d+, in .*Input type \(float\)', {POOL: "        x = self.pool(x.float())"}),
    "a constant of a type": Planted("dtype", "makes float32 of bfloat16|output 1 is torch.float32", {LOGITS: f"{LOGITS} + torch.ones(1, device=x.device)"}),
    "a layer without the type": Planted("device", r"fc\.weight is torch\.float32, not torch\.bfloat16", {"self.fc = nn.Linear(16, classes, **factory)": "self.fc = nn.Linear(16, classes, device=device)"}),
    "a tensor on the CPU": Planted("fake-cuda", r'line \d+, in forward, "x = self\.pool', {POOL: f"{POOL} + torch.arange(8)[:, None, None]"}),
    "a copy in another layout": Planted("channels-last", r"aten\.clone in the network", {CELLS: "        x = self.cells(x.contiguous())"}),
    # bounds
    "a bound from above": Planted("as-written", "in eval mode", {CELLS: "        x = self.cells(x).clamp(max=100.0)"}),
    "a bound that small numbers do not reach": Planted("as-written", "output features is not the generated module's in eval mode", {CELLS: f"{CELLS}.clamp(-1e4, 1e4)"}),
    "a bound that no input reaches": Planted("as-written", "output logits is not the generated module's with large weights", {LOGITS: f"{LOGITS}.clamp(-1e4, 1e4)"}),
    "an activation with a bound": Planted("as-written", "in training mode|in eval mode", {RELU: RELU.replace("ReLU", "ReLU6")}),
    "a NaN that is hidden": Planted("as-written", "aten.nan_to_num in the network hides a NaN", {LOGITS: f"{LOGITS}.nan_to_num(0.0)"}),
    # training and eval mode
    "dropout in eval mode": Planted("side-effects", "eval mode draws random numbers", {LOGITS: "        logits = self.fc(nn.functional.dropout(features))"}),
    "statistics of the batch in eval mode": Planted("batch-independence", "changes with the rest of the batch", {STEM: "        x = nn.functional.batch_norm(self.stem(x), None, None, self.norm.weight, self.norm.bias, True)\n        x = self.relu(x)"}),
    "a norm that is frozen": Planted("as-written", f"{IS}|in eval mode", {OWN: f"    def train(self, mode=True):\n        super().train(mode)\n        self.norm.eval()\n        return self\n\n{OWN}"}),
    "a network that is made in eval mode": Planted("as-written", "a new one has .* in eval mode", {START: f"{START}        self.eval()\n"}),
    "a mode that is set": Planted("side-effects", "training mode changes the mode of modules", before(POOL, "self.norm.train(not self.training)")),
    # side effects
    "an import that writes": Planted("side-effects", "import writes .*archc-test-log", at_import("__import__('pathlib').Path(__import__('tempfile').gettempdir(), 'archc-test-log').write_text('')")),
    "a log": Planted("side-effects", "training mode writes .*archc-test-log", before(POOL, "open(__import__('tempfile').gettempdir() + '/archc-test-log', 'a').close()")),
    "a process": Planted("side-effects", "import starts a process", at_import("__import__('subprocess').run(['true'])")),
    "a print": Planted("side-effects", r"training mode prints 'torch\.S", before(POOL, "print(x.shape)")),
    "a print at import": Planted("side-effects", "import prints 'hello'", at_import("print('hello')")),
    "the caller's tensor": Planted("side-effects", "training mode changes its input", {STEM: STEM.replace("(x))", "(x.mul_(2)))")}),
    "the caller's tensor, in eval mode": Planted("side-effects", "eval mode changes its input", {STEM: STEM.replace("(x))", "(x if self.training else x.add_(1)))")}),
    "weights that decay by themselves": Planted("side-effects", r"training mode changes fc\.weight", before(POOL, "self.fc.weight.data.mul_(0.9)")),
    "statistics that change in eval mode": Planted("side-effects", r"eval mode changes norm\.running_mean", before(POOL, "self.norm.running_mean.add_(1)")),
    "a list that grows": Planted("side-effects", "training mode changes the attribute seen", {NORM: f"{NORM}\n        self.seen = []", POOL: f"        self.seen.append(x)\n{POOL}"}),
    # what the whole process shares
    "a cache of the module's": Planted("side-effects", "training mode changes SEEN", at_import("SEEN: dict[int, Tensor] = {}") | before(POOL, "SEEN[id(x)] = x")),
    "a count of the class's": Planted("side-effects", r"training mode changes Example\.runs", {OWN: f"    runs = 0\n\n{OWN}"} | before(POOL, "Example.runs += 1")),
    "gradients that are switched on": Planted("side-effects", "training mode changes whether torch computes gradients", before(POOL, "torch.set_grad_enabled(True)")),
    "a setting of cuDNN": Planted("side-effects", r"import changes torch\.backends\.cudnn", at_import("torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark")),
    "a function of torch that is replaced": Planted("side-effects", "import changes functions of torch", at_import("nn.init.zeros_ = lambda tensor: nn.init.constant_(tensor, 0.0)")),
    "warnings that are switched off": Planted("side-effects", "import changes the filters of warnings", at_import("__import__('warnings').filterwarnings('ignore', 'something')")),
    "a variable of the environment": Planted("side-effects", r"import changes os\.environ", at_import("__import__('os').environ['ARCHC_TEST'] = '1'")),
    # random numbers
    "a seed at import": Planted("side-effects", "import changes the state of torch's random", at_import("torch.manual_seed(0)")),
    "a seed of Python's": Planted("side-effects", "the state of Python's random numbers", at_import("__import__('random').seed(0)")),
    "a seed in the constructor": Planted("side-effects", "the constructor seeds torch's random numbers", {NORM: f"torch.manual_seed(0)\n        {NORM}"}),
    "a seed in forward": Planted("side-effects", "training mode seeds torch's random numbers", before(POOL, "torch.manual_seed(0)")),
    "dice of its own": Planted("as-written", f"output features {IS}", {ALIVE: "torch.rand([x.shape[0], 1, 1, 1], generator=torch.Generator().manual_seed(0)) < 1.0 - p"}),
    "dice that are thrown twice": Planted("recompute", "is another when blocks are computed again", {"use_reentrant=False, context_fn": "use_reentrant=False, preserve_rng_state=False, context_fn"}),
    "a branch by chance": Planted("deterministic", "is another in the second run", {HEAD: f"import random\n\n{HEAD}", CELLS: "        x = self.cells(x) * random.random()"}),
    # sizes, and what is seen from outside
    "a size that is written down": Planted("as-written", "of larger inputs", {CELLS: "        x = self.cells(x)[:, :, :8, :8]"}),
    "a shape that is written down": Planted("as-written", r'line \d+, in forward, "x = self\.cells', {CELLS: "        x = self.cells(x.reshape(x.shape[0], 8, 8, 8))"}),
    "a batch that is written down": Planted("as-written", r'line \d+, in forward, "features', {FEATURES: "        features = self.gap(x).reshape(2, 16)"}),
    "an output that is made up": Planted("batch-independence", "output 1 does not depend on the input", {LOGITS: "        logits = self.fc(torch.zeros_like(features))"}),
    "a class that is not public": Planted("as-written", "its __all__ has no Example", {'["Example", "ExampleOutput"]': '["ExampleOutput"]'}),
    "an argument that is gone": Planted("as-written", "its constructor has no classes", {"        classes: int = 10,\n": "", "self.fc = nn.Linear(16, classes": "self.fc = nn.Linear(16, 10", "nn.Linear(16, classes, **factory),": "nn.Linear(16, 10, **factory),"}),
    "an argument that is not used": Planted("arguments", r"with classes=11, fc\.", {"self.fc = nn.Linear(16, classes": "self.fc = nn.Linear(16, 10"}),
}  # fmt: skip


# One of those that each check finds, and edits of modules, of weights and of the text.
SOON = {planted.check: name for name, planted in reversed(BUGS.items())}
SOON_HARMLESS = {"activations by function", "a choice for a relu", "a mask by bernoulli"}


def params(cases: Mapping[str, Any], soon: Collection[str]) -> list[Any]:
    """The cases by name; those that are not for every run are slow."""
    return [
        pytest.param(case, id=name, marks=[] if name in soon else [pytest.mark.slow])
        for name, case in cases.items()
    ]


@pytest.mark.parametrize("bug", params(BUGS, SOON.values()))
def test_planted_bugs_are_found(bug: Planted) -> None:
    subject = edited(bug.edits)
    if not bug.check:
        results = [outcome(name, subject) for name in FAST]
        assert all(result.status != "fail" for result in results), "it is found: name the check"
        return
    result = outcome(bug.check, subject)
    assert result.status == "fail", result
    assert re.search(bug.says, result.remark or ""), result


def test_nearly_all_are_found() -> None:
    """Of sixty at least fifty-five, as issue 9 has it."""
    found = Counter(bool(bug.check) for bug in BUGS.values())
    assert len(BUGS) >= 60
    assert found[True] / len(BUGS) >= 55 / 60


HARMLESS = {
    "renamed locals": {"        out = self.relu(self.bn1(self.conv1(x)))": "        y = self.relu(self.bn1(self.conv1(x)))", "self.bn2(self.conv2(out))": "self.bn2(self.conv2(y))"},
    "layers made in another order": {"        self.left = nn.Conv2d(16, 8, 1, **factory)\n": "", NORM: f"{NORM}\n        self.left = nn.Conv2d(16, 8, 1, **factory)"},
    "independent lines in another order": {EARLY: "", RETURN: f"{EARLY}\n{RETURN}"},
    "the shortcut first": {f"{CELL}\n        shortcut = self.conv3(x)": f"        shortcut = self.conv3(x)\n{CELL}"},
    "activations by function": {STEM: "        x = nn.functional.relu(self.norm(self.stem(x)))"},
    "pools by function": {POOL: "        x = nn.functional.max_pool2d(x, 2)", "self.avgpool(self.spread(x))": "nn.functional.avg_pool2d(self.spread(x), 3, stride=1, padding=1)"},
    "dropout by function": {LOGITS: "        logits = self.fc(nn.functional.dropout(features, 0.5, self.training))"},
    "layers by function": {LOGITS: "        logits = nn.functional.linear(self.dropout(features), self.fc.weight, self.fc.bias)", "self.spread(x)": "nn.functional.group_norm(x, 4, self.spread.weight, self.spread.bias)"},
    "a Sequential that is inlined": {CELLS: "        x = self.cells[1](self.cells[0](x))"},
    "a head that is inlined": {EARLY: "        early = self.early[2](torch.flatten(self.gap(x), 1)) if self.training else None"},
    "a loop for a Sequential": {CELLS: "        for cell in self.cells:\n            x = cell(x)"},
    "sums the other way round": {SUM: "return self.relu(shortcut + x)"},
    "a mean for a pool": {FEATURES: "        features = x.mean((2, 3))"},
    "a product for a layer": {LOGITS: "        logits = self.dropout(features) @ self.fc.weight.t() + self.fc.bias"},
    "a maximum for a relu": {SUM: "return torch.clamp(x + shortcut, min=0.0)"},
    "a choice for a relu": {STEM: "        x = self.norm(self.stem(x))\n        x = torch.where(x > 0, x, torch.zeros_like(x))"},
    "another way to concatenate": {CAT: "torch.concat((self.left(x), self.right(x)), dim=1)"},
    "a mask by bernoulli": {ALIVE: "torch.empty([x.shape[0], 1, 1, 1], device=x.device, dtype=x.dtype).bernoulli_(1.0 - p)"},
    "a start by its formula": {'nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")': "nn.init.normal_(module.weight, 0.0, (2.0 / (module.out_channels * module.kernel_size[0] ** 2)) ** 0.5)"},
    "a start by copying": {FC_STD: "with torch.no_grad():\n                    module.weight.copy_(torch.randn_like(module.weight) * 0.01)\n                    module.bias.zero_()"},
    "a start from the end": {"for module in self.modules():\n            if isinstance(module, nn.Conv2d)": "for module in reversed(list(self.modules())):\n            if isinstance(module, nn.Conv2d)"},
    "an activation in its own memory": {RELU: "        self.relu = nn.ReLU()\n        self.pool"},
    "a sum in place": {SUM: "x += shortcut\n        return self.relu(x)"},
    "comments and docstrings": {OWN: f"    # As in the paper.\n{OWN}\n        '''Start every weight.'''", POOL: f"        # 8x8 from here on\n{POOL}"},
    "other type hints": {"def forward(self, x: Tensor) -> ExampleOutput": "def forward(self, x: torch.Tensor) -> 'ExampleOutput'", "channels: int, **factory: Any": "channels, **factory"},
    "keywords for positions": {"nn.Conv2d(3, 8, 3, padding=1": "nn.Conv2d(in_channels=3, out_channels=8, kernel_size=(3, 3), padding=(1, 1), stride=1"},
    "a constant with a name": at_import("DROP = 0.2") | {"self.bn2(self.conv2(out)), 0.2": "self.bn2(self.conv2(out)), DROP"},
    "a method more": {OWN: f"    def extra_repr(self) -> str:\n        return 'an example'\n\n{OWN}"},
    "an assertion": before(STEM, "assert x.dim() == 4, x.shape"),
    "an import more": at_import("import math"),
    "a class method that is cached by nobody": {OWN: f"    @staticmethod\n    def size() -> int:\n        return 16\n\n{OWN}"},
    "an older way to call the constructor": {"        super().__init__()\n        factory": "        super(Example, self).__init__()\n        factory"},
}  # fmt: skip


@pytest.mark.parametrize("edits", params(HARMLESS, SOON_HARMLESS))
def test_harmless_edits_are_not_flagged(edits: dict[str, str]) -> None:
    subject = edited(edits)
    for name in FAST:
        result = outcome(name, subject)
        assert result.status != "fail", (name, result.remark)


@pytest.mark.slow
@pytest.mark.parametrize("edits", HARMLESS.values(), ids=HARMLESS)
def test_harmless_edits_are_not_flagged_by_slow_checks(edits: dict[str, str]) -> None:
    subject = edited(edits)
    for name in SLOW:
        result = outcome(name, subject)
        assert result.status != "fail", (name, result.remark)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What bugs write goes into a folder of the test's."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
