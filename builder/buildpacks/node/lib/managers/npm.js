// npm, which comes with Node.js.

const { NAMES } = require('../scripts');

const LOCKS = ['npm-shrinkwrap.json', 'package-lock.json'];

const hasLock = (app) => LOCKS.some((lock) => app.has(lock));
// Without a lock file, none is left behind either: it would be of this day, and of no commit.
const settings = (app) => ['--prefer-offline', ...(hasLock(app) ? [] : ['--no-package-lock'])];

module.exports = {
  name: 'npm',
  locks: LOCKS,
  mend: 'If the lock file does not fit package.json: run npm install, and commit package-lock.json.',
  tool: () => null,
  environment: (caches) => ({ npm_config_cache: `${caches}/npm` }),

  install(app, development) {
    return ['npm', hasLock(app) ? 'ci' : 'install', development ? '--include=dev' : '--omit=dev', ...settings(app)];
  },

  installScripts: () => NAMES,
  runsAround: true,
  mayIgnoreScripts: true,
  prune: (app) => ['npm', 'prune', '--omit=dev', '--ignore-scripts', ...settings(app)],
  run: (script) => ['npm', 'run', '--silent', script], // what it runs is said already
};
