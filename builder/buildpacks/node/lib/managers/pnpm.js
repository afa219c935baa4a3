// pnpm.

// Versions that write pnpm-lock.yaml so. Source: pnpm's releases; 9 and later write '9.0'.
const MAJORS = { 9: '10', 6: '8', 5: '7' };

function majorOf(lock) {
  const format = /^lockfileVersion:\s*'?"?(\d+)/m.exec(lock)?.[1];
  return MAJORS[format] ?? MAJORS[9];
}

module.exports = {
  name: 'pnpm',
  locks: ['pnpm-lock.yaml'],
  mend: 'If pnpm-lock.yaml does not fit package.json: run pnpm install, and commit pnpm-lock.yaml.',
  tool: (version, lock) => ({ command: 'pnpm', package: 'pnpm', version: version ?? majorOf(lock) }),
  environment: (caches) => ({ npm_config_cache: `${caches}/npm`, npm_config_store_dir: `${caches}/pnpm` }),
  install: (app, development) => ['pnpm', 'install', '--frozen-lockfile', development ? '--no-prod' : '--prod', ...SETTINGS],
  installScripts: () => ['preinstall', 'install', 'postinstall', 'preprepare', 'prepare', 'postprepare'],
  runsAround: true,
  mayIgnoreScripts: true,
  prune: () => ['pnpm', 'prune', '--prod', '--ignore-scripts', ...SETTINGS],
  run: (script) => ['pnpm', '--silent', '--config.verify-deps-before-run=false', 'run', script],
};

// A link would let a later build change a slug by way of the store, and a path of the scratch is of no use later.
const SETTINGS = ['--config.package-import-method=copy', '--config.extend-node-path=false'];
