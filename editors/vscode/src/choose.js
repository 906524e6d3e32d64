// Which archc to run. The first that answers is taken, and it is said which and why.

const { execFile } = require("node:child_process");
const path = require("node:path");

// `-P`: an `archc` folder of the workspace must not be run in place of the installed package.
const MODULE = ["-P", "-m", "archc"];

/**
 * The programs that may have archc, in the order in which they are tried.
 * A command of the settings is the only one: who names it does not want another.
 */
function candidates({ setting = [], interpreter, trusted, extension, platform = process.platform }) {
  if (setting.length > 0) {
    return [{ command: setting[0], args: setting.slice(1), why: "the setting archc.command" }];
  }
  const found = [];
  if (trusted && interpreter) {
    found.push({ command: interpreter, args: MODULE, why: "the workspace's Python" });
  }
  found.push({ command: "archc", args: [], why: "the PATH" });
  const env = { PYTHONPATH: path.join(extension, "bundled") };
  for (const python of platform === "win32" ? ["py", "python"] : ["python3", "python"]) {
    found.push({ command: python, args: MODULE, env, why: `the extension's copy, by ${python}` });
  }
  return found;
}

/** The version that a candidate says it is. Rejects with the reason why it is none. */
function probe({ command, args, env }, folder) {
  const options = { cwd: folder, env: { ...process.env, ...env }, timeout: 20_000 };
  return new Promise((resolve, reject) => {
    execFile(command, [...args, "--version"], options, (error, stdout, stderr) => {
      const said = /^archc (\S+)/.exec(stdout);
      if (said) {
        resolve(said[1]);
      } else {
        const lines = stderr.trim().split("\n");
        reject(new Error(lines[lines.length - 1] || error?.message || "it does not say `archc`"));
      }
    });
  });
}

/** The first candidate that answers, with its version; undefined where none does. */
async function choose(options, log, ask = probe) {
  for (const candidate of candidates(options)) {
    const shown = [candidate.command, ...candidate.args].join(" ");
    try {
      const version = await ask(candidate, options.extension);
      log(`archc ${version}: ${shown} (${candidate.why})`);
      return { ...candidate, version };
    } catch (error) {
      log(`not ${shown} (${candidate.why}): ${error.message}`);
    }
  }
  return undefined;
}

module.exports = { candidates, choose, probe };
