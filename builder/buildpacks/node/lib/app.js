// What package.json says.

const fs = require('node:fs');
const path = require('node:path');
const { Refusal } = require('./refusal');
const { NAMES: INSTALL_SCRIPTS } = require('./scripts');

const BUILD_SCRIPTS = ['heroku-prebuild', 'heroku-postbuild', 'build'];
const LISTS = ['dependencies', 'optionalDependencies', 'devDependencies'];
// Of package.json, what decides what is installed. The rest may change without a new install.
const DECIDING = [
  ...LISTS, 'peerDependencies', 'bundleDependencies', 'bundledDependencies', 'overrides', 'resolutions', 'pnpm',
  'packageManager', 'engines', 'dependenciesMeta', 'installConfig', 'allowScripts',
];

class App {
  constructor(folder) {
    this.folder = folder;
    this.manifest = readManifest(folder);
  }

  has(file) {
    return fs.existsSync(path.join(this.folder, file));
  }

  /** Text of a file of the app; empty when there is none. */
  read(file) {
    return this.has(file) ? fs.readFileSync(path.join(this.folder, file), 'utf8') : '';
  }

  /** Whether there is such a script, and it says something. */
  runs(script) {
    const text = table(this.manifest.scripts)[script];
    return typeof text === 'string' && text.trim() !== '';
  }

  /** Whether anything of the build could use development packages. */
  get usesDevelopment() {
    return [...BUILD_SCRIPTS, ...INSTALL_SCRIPTS].some((script) => this.runs(script));
  }

  /** Names of the packages it asks for at run time, and for its development. */
  get asked() {
    return LISTS.flatMap((list) => Object.keys(table(this.manifest[list])));
  }

  get wantsPackages() {
    return this.asked.length > 0 || this.manifest.workspaces !== undefined;
  }

  /** Whether some of what it installs are folders of its own, which a lock file does not tell the contents of. */
  get holdsPackages() {
    const ownFolder = /^(file:|link:|portal:|workspace:|\.{0,2}\/)/;
    const ofWorkspaces = this.manifest.workspaces !== undefined || /^packages\s*:/m.test(this.read('pnpm-workspace.yaml'));
    const ranges = LISTS.flatMap((list) => Object.values(table(this.manifest[list])));
    return ofWorkspaces || ranges.some((range) => ownFolder.test(String(range)));
  }

  get deciding() {
    return DECIDING.map((name) => this.manifest[name] ?? null);
  }
}

function readManifest(folder) {
  let manifest;
  try {
    manifest = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8').replace(/^\ufeff/, ''));
  } catch (error) {
    throw new Refusal(`package.json cannot be read: ${error.message}.`, 'Correct it, commit, and push again.');
  }
  if (table(manifest) !== manifest) {
    throw new Refusal('package.json is no JSON object.', 'Correct it, commit, and push again.');
  }
  return manifest;
}

function table(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {};
}

module.exports = { App };
