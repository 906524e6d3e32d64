const assert = require("node:assert");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { test } = require("node:test");
const { candidates, choose, probe } = require("../src/choose.js");

const extension = fs.mkdtempSync(path.join(os.tmpdir(), "archc-"));
const has = (name) => async ({ command }) => {
  if (command !== name) throw new Error("no such program");
  return "1.2.3";
};

test("the workspace's Python goes before the PATH, and that before the copy", () => {
  const order = candidates({ interpreter: "/ws/python", trusted: true, extension, platform: "linux" });
  assert.deepEqual(order.map(({ command }) => command), ["/ws/python", "archc", "python3", "python"]);
  assert.ok(order[0].args.includes("-P"));
  assert.deepEqual(order[2].env, { PYTHONPATH: path.join(extension, "bundled") });
});

test("nothing of a workspace that is not trusted is run", () => {
  const order = candidates({ interpreter: "/ws/python", trusted: false, extension });
  assert.ok(!order.some(({ command }) => command === "/ws/python"));
});

test("a command of the settings is the only one", async () => {
  const lines = [];
  const options = { setting: ["/my/archc"], interpreter: "/ws/python", trusted: true, extension };
  assert.equal(await choose(options, (line) => lines.push(line), has("archc")), undefined);
  assert.equal(lines.length, 1);
  assert.match(lines[0], /^not \/my\/archc \(the setting archc.command\): no such program$/);
});

test("it is said which one is taken, and why not the others", async () => {
  const lines = [];
  const options = { interpreter: "/ws/python", trusted: true, extension };
  const found = await choose(options, (line) => lines.push(line), has("archc"));
  assert.equal(found.version, "1.2.3");
  assert.match(lines[0], /^not \/ws\/python -P -m archc/);
  assert.equal(lines[1], "archc 1.2.3: archc (the PATH)");
});

test("a program is asked what it is", async () => {
  await assert.rejects(probe({ command: "no-such-program", args: [] }, extension), /ENOENT/);
  await assert.rejects(probe({ command: process.execPath, args: [] }, extension), /archc/);
});

test("an archc folder in the workspace is not run", { skip: !process.env.ARCHC_PYTHON }, async () => {
  fs.mkdirSync(path.join(extension, "archc"));
  fs.writeFileSync(path.join(extension, "archc", "__main__.py"), "print('archc 6.6.6')");
  const version = await probe({ command: process.env.ARCHC_PYTHON, args: ["-P", "-m", "archc"] }, extension);
  assert.notEqual(version, "6.6.6");
});
