// node_modules as they were installed, kept as one archive under the key of what decided them, so that
// an unchanged lock file means no install. An archive shares nothing with the slug, and is one file of the cache.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { touch } = require('./host');

const SETTINGS = ['.npmrc', '.yarnrc', '.yarnrc.yml', '.pnpmfile.cjs', 'pnpm-workspace.yaml'];
const PATCHES = ['patches', '.yarn/patches'];
const VARIABLES = /^(npm_config_|yarn_|pnpm_|node_env$)/i;
// Where yarn says what it has installed; without it, it runs nothing.
const BESIDE = ['.yarn/install-state.gz'];

/** What decides node_modules: another key, another install. */
function keyOf(app, lock, variables, toolchain) {
  const hash = crypto.createHash('sha256');
  const add = (...parts) => parts.forEach((part) => hash.update(`${Buffer.byteLength(part)}:`).update(part));
  add(JSON.stringify([toolchain, app.deciding]), lock, ...[lock, ...SETTINGS].map((file) => app.read(file)));
  for (const [name, value] of Object.entries(variables).sort()) if (VARIABLES.test(name)) add(name, value);
  for (const file of PATCHES.flatMap((folder) => filesBelow(path.join(app.folder, folder)))) add(file, fs.readFileSync(file));
  return hash.digest('hex');
}

function filesBelow(folder) {
  if (!fs.existsSync(folder)) return [];
  const entries = fs.readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(file);
    return entry.isFile() ? [file] : [];
  });
}

class Kept {
  constructor(caches, key, app, programs) {
    this.folder = path.join(caches, 'modules');
    this.archive = path.join(this.folder, `${key}.tar`);
    this.pruning = path.join(this.folder, `${key}.json`);
    this.app = app;
    this.programs = programs;
  }

  get isThere() {
    return fs.existsSync(this.archive);
  }

  /** Bring back what was installed; false when it is not there, or not whole. */
  restore() {
    if (!this.isThere) return false;
    touch(this.archive);
    if (this.programs.attempt(['tar', '--extract', '--file', this.archive])) return true;
    fs.rmSync(path.join(this.app.folder, 'node_modules'), { recursive: true, force: true });
    return false;
  }

  /** Keep what has just been installed, and nothing older; that it cannot be kept is no reason to fail. */
  save() {
    fs.rmSync(this.folder, { recursive: true, force: true });
    if (!this.app.has('node_modules')) return;
    fs.mkdirSync(this.folder, { recursive: true });
    const fresh = `${this.archive}.new`;
    const beside = BESIDE.filter((file) => this.app.has(file));
    if (this.programs.attempt(['tar', '--create', '--file', fresh, 'node_modules', ...beside])) fs.renameSync(fresh, this.archive);
    else fs.rmSync(fresh, { force: true });
  }

  /** Prune, or do again what pruning the same packages has done before.
   * `restores`: it would put back what scripts have changed, so that a copy is pruned. */
  prune(prune, restores) {
    const known = this.known();
    if (known) return this.repeat(known);
    const modules = path.join(this.app.folder, 'node_modules');
    const aside = `${modules}.changed`;
    const before = packagesIn(modules);
    const copied = restores && this.programs.attempt(['cp', '--archive', '--reflink=auto', modules, aside]);
    prune();
    const difference = this.difference(modules, before);
    if (this.isThere) this.note(difference);
    if (!copied) return fs.rmSync(aside, { recursive: true, force: true });
    fs.rmSync(modules, { recursive: true, force: true });
    fs.renameSync(aside, modules);
    return this.repeat(difference);
  }

  /** What pruning has done before; null for nothing that is known, or whole. */
  known() {
    try {
      return JSON.parse(fs.readFileSync(this.pruning, 'utf8'));
    } catch {
      return null;
    }
  }

  note(difference) {
    const fresh = `${this.pruning}.new`;
    fs.writeFileSync(fresh, JSON.stringify(difference));
    fs.renameSync(fresh, this.pruning);
  }

  repeat({ removed, records }) {
    for (const name of removed) fs.rmSync(path.join(this.app.folder, 'node_modules', name), { recursive: true, force: true });
    for (const [file, text] of records) fs.writeFileSync(path.join(this.app.folder, file), text, 'base64');
  }

  difference(modules, before) {
    const after = new Set(packagesIn(modules));
    const records = fs.existsSync(modules) ? recordsOf(this.app) : [];
    return {
      removed: before.filter((name) => !after.has(name)),
      records: records.map((file) => [file, fs.readFileSync(path.join(this.app.folder, file), 'base64')]),
    };
  }
}

/** The managers' own records about the packages there are: files beside them, of which pruning writes new ones. */
function recordsOf(app) {
  const ofYarnOrNpm = fs.readdirSync(path.join(app.folder, 'node_modules'), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.startsWith('.'))
    .map((entry) => `node_modules/${entry.name}`);
  return [...ofYarnOrNpm, 'node_modules/.pnpm/lock.yaml', ...BESIDE].filter((file) => app.has(file));
}

/** Paths of packages and of links to their programs, however deep, relative to a node_modules. */
function packagesIn(modules, prefix = '') {
  const folder = path.join(modules, prefix);
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(prefix, entry.name);
    if (!entry.isDirectory()) return [name];
    if (entry.name === '.bin' || entry.name === '.pnpm' || entry.name.startsWith('@')) return packagesIn(modules, name);
    return [name, ...packagesIn(modules, path.join(name, 'node_modules'))];
  });
}

module.exports = { keyOf, Kept };
