// Yarn 1, "classic".

module.exports = {
  name: 'yarn',
  locks: ['yarn.lock'],
  mend: 'If yarn.lock does not fit package.json: run yarn install, and commit yarn.lock.',
  tool: (version) => ({ command: 'yarn', package: 'yarn', version: version ?? '1' }),
  environment: (caches) => ({ npm_config_cache: `${caches}/npm`, YARN_CACHE_FOLDER: `${caches}/yarn` }),

  /** Packages come from where npm's do, unless the app names another place. */
  registry(app, registry) {
    const named = ['.npmrc', '.yarnrc'].some((file) => /^\s*"?registry\b/m.test(app.read(file)));
    return named ? {} : { YARN_REGISTRY: registry };
  },

  install: (app, development) => ['yarn', 'install', `--production=${!development}`, ...INSTALL],
  // Source: its src/cli/commands/install.js, wrapLifecycle.
  installScripts: (development) => ['preinstall', 'install', 'postinstall', ...(development ? ['prepublish', 'prepare'] : [])],
  preinstallsFirst: true,
  runsAround: true,
  mayIgnoreScripts: true,
  pruningRestores: true,
  prune: () => ['yarn', 'install', '--production=true', '--ignore-scripts', ...INSTALL],
  run: (script) => ['yarn', '--silent', 'run', script],
};

const INSTALL = ['--frozen-lockfile', '--non-interactive', '--ignore-engines', '--prefer-offline', '--no-progress'];
