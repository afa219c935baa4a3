// bin/compile: the road of one build.
//
// Source of the order, and of the names heroku-…: Heroku's documentation, "Node.js build behavior".

const fs = require('node:fs');
const path = require('node:path');
const { App } = require('./app');
const { checkNode } = require('./engines');
const { npms } = require('./host');
const { choose } = require('./managers');
const { Kept, keyOf } = require('./modules');
const { installed } = require('./packages');
const { paths, writeExport, writeProfile } = require('./paths');
const { Programs } = require('./programs');
const { Refusal, ProgramFailed, detail, explain, report, step } = require('./refusal');
const { ownScripts, withoutScripts } = require('./scripts');
const { provide } = require('./tools');
const { environment, keepsDevelopment, readVariables, refusesDevelopment } = require('./variables');

const HOST = `Node.js ${process.version.slice(1)}`;

class Compilation {
  constructor(folder, caches, variables) {
    this.app = new App(folder);
    this.caches = caches;
    this.variables = variables;
    Object.assign(this, choose(this.app));
    const settings = this.manager.environment(caches, this.app, process.env);
    const environ = environment(process.env, variables, settings);
    this.programs = new Programs(folder, { ...environ, PATH: [...paths(folder), environ.PATH].join(':') });
    this.keepsDevelopment = keepsDevelopment(variables);
    this.development = this.keepsDevelopment || (this.app.usesDevelopment && !refusesDevelopment(variables));
    this.stored = false; // whether anything has come to the cache
  }

  compile() {
    checkNode(this.app);
    this.provideManager();
    this.runScript('heroku-prebuild');
    const kept = this.install();
    this.runScript(this.app.runs('heroku-postbuild') ? 'heroku-postbuild' : 'build');
    if (this.holdsTooMuch) this.prune(kept);
    this.runScript('heroku-cleanup');
    writeProfile(this.app.folder);
    writeExport(this.app.folder);
    report({ packages: installed(this.app), stored: this.stored });
  }

  get holdsTooMuch() {
    const hasDevelopment = this.development || this.manager.installsAll;
    return hasDevelopment && !this.keepsDevelopment && this.app.has('node_modules');
  }

  provideManager() {
    const tool = this.manager.tool(this.pinned?.version, this.lock && this.app.read(this.lock));
    this.version = tool ? provide(tool, this.pinned, this) : npms('../package.json').version;
  }

  /** Install, or bring back what was installed; returns where it is kept, null for nowhere. */
  install() {
    if (this.app.has('node_modules')) {
      detail('node_modules is in the commit; it is left out. Add it to .gitignore.');
      fs.rmSync(path.join(this.app.folder, 'node_modules'), { recursive: true, force: true });
    }
    const kept = this.kept();
    if (kept?.restore()) {
      step(`${HOST}: ${this.lock} is unchanged, nothing to install`);
      this.runInstallScripts();
    } else if (this.lock || this.app.wantsPackages) this.installAnew(kept);
    else {
      step(`${HOST}: package.json asks for no packages`);
      this.runInstallScripts();
    }
    return kept;
  }

  kept() {
    if (!this.lock || this.app.holdsPackages || this.variables.NODE_MODULES_CACHE === 'false') return null;
    const toolchain = [process.version, process.arch, this.manager.name, this.version, this.development];
    return new Kept(this.caches, keyOf(this.app, this.lock, this.variables, toolchain), this.app, this.programs);
  }

  installAnew(kept) {
    const { manager, app, programs } = this;
    this.stored = true;
    step(`${HOST}: installing ${this.lock ?? 'package.json'} with ${manager.name} ${this.version}`);
    if (!this.lock) detail('There is no lock file: what is installed may differ at every build.\nRun npm install, and commit package-lock.json.');
    const registry = manager.registry?.(app, programs.ask(['npm', 'config', 'get', 'registry'])) ?? {};
    programs.environ = { ...registry, ...programs.environ };
    const doing = `Installing ${this.lock ?? 'package.json'}`;
    const install = () => programs.run(manager.install(app, this.development), { doing, mend: manager.mend });
    if (kept) this.keepBeforeScripts(kept, install);
    else install();
  }

  keepBeforeScripts(kept, install) {
    const scripts = this.installScripts;
    const first = this.manager.preinstallsFirst && !this.app.runs('install') ? 'preinstall' : '';
    for (const script of scripts.filter((name) => name === first)) this.runScript(script);
    withoutScripts(this.app, install);
    kept.save();
    for (const script of scripts.filter((name) => name !== first)) this.runScript(script);
  }

  prune(kept) {
    const argv = this.manager.prune(this.app, this.version);
    if (!argv) return;
    step('Removing development packages');
    const remove = () => this.programs.run(argv, { doing: 'Removing development packages' });
    const prune = () => withoutScripts(this.app, remove); // they have run
    if (kept) kept.prune(prune, this.manager.pruningRestores && this.installScripts.length > 0);
    else prune();
  }

  get installScripts() {
    return ownScripts(this.app, this.manager, this);
  }

  // Managers run them at every install, whatever is there.
  runInstallScripts() {
    for (const script of this.installScripts) this.runScript(script);
  }

  runScript(name) {
    if (!this.app.runs(name)) return;
    step(`Running ${name}`);
    const mend = `It is the script ${name} of package.json that failed: correct it, commit, and push again.`;
    this.programs.run(this.manager.run(name), { doing: `Running ${name}`, mend });
  }
}

function main([folder, caches, variables]) {
  try {
    process.chdir(folder);
    new Compilation(path.resolve(folder), path.resolve(caches), readVariables(variables)).compile();
  } catch (error) {
    if (!(error instanceof Refusal || error instanceof ProgramFailed)) throw error;
    explain(error);
    process.exitCode = error.code;
  }
}

main(process.argv.slice(2));
