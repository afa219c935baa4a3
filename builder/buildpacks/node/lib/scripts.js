// The app's own scripts of an install, such as postinstall. They run on packages that are kept before: the next
// build brings those back and runs the scripts again, and what they do cannot always be done twice.

const fs = require('node:fs');
const path = require('node:path');

const NAMES = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare'];
const SETTINGS = ['.npmrc', '.yarnrc', 'pnpm-workspace.yaml'];
const IGNORED = /^\W*(?:install\.)?ignore-?scripts\W+true\b/im;
const VARIABLE = /^(npm|yarn|pnpm)_(config_)?ignore_scripts$/i;

/** Those that the manager would run, in its order, but for those that running another of them runs, too. */
function ownScripts(app, manager, { development, variables }) {
  if (manager.mayIgnoreScripts && ignored(app, variables)) return [];
  const there = manager.installScripts(development).filter((name) => app.runs(name));
  const around = manager.runsAround ? there.flatMap((name) => [`pre${name}`, `post${name}`]) : [];
  return there.filter((name) => !around.includes(name));
}

function ignored(app, variables) {
  return SETTINGS.some((file) => IGNORED.test(app.read(file)))
    || Object.entries(variables).some(([name, value]) => VARIABLE.test(name) && value.trim() === 'true');
}

/** Do something while package.json has none of them. */
function withoutScripts(app, work) {
  if (!NAMES.some((name) => app.runs(name))) return work();
  const file = path.join(app.folder, 'package.json');
  const text = fs.readFileSync(file);
  fs.writeFileSync(file, JSON.stringify(bare(app), null, 2));
  try {
    return work();
  } finally {
    fs.writeFileSync(file, text);
  }
}

function bare(app) {
  const scripts = Object.fromEntries(Object.entries(app.manifest.scripts).filter(([name]) => !NAMES.includes(name)));
  // Without them npm would compile a binding.gyp by itself.
  const compiles = app.runs('install') || app.runs('preinstall') ? { gypfile: false } : {};
  return { ...app.manifest, scripts, ...compiles };
}

module.exports = { NAMES, ownScripts, withoutScripts };
