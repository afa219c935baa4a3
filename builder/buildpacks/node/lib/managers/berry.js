// Yarn 2 and later, "berry". Packages lie in node_modules whatever the app says: .pnp.cjs would name
// the scratch folder of the build. If the app holds its own copy of yarn (yarnPath), yarn itself runs that.

const { detail } = require('../refusal');

// Versions that write yarn.lock so. Source: berry's changelog; `__metadata.version` is raised with some majors.
const MAJORS = [[8, '4'], [5, '3'], [0, '2']];

function majorOf(lock) {
  const format = Number(/^__metadata:\s*\n\s+version:\s*(\d+)/m.exec(lock)?.[1] ?? 8);
  return MAJORS.find(([least]) => format >= least)[1];
}

module.exports = {
  name: 'yarn',
  locks: ['yarn.lock'],
  mend: 'If yarn.lock does not fit package.json: run yarn install, and commit yarn.lock.',
  tool: (version, lock) => ({ command: 'yarn', package: '@yarnpkg/cli-dist', version: version ?? majorOf(lock) }),

  environment(caches, app, given) {
    const proxies = { YARN_HTTP_PROXY: given.HTTP_PROXY ?? given.http_proxy, YARN_HTTPS_PROXY: given.HTTPS_PROXY ?? given.https_proxy };
    return {
      npm_config_cache: `${caches}/npm`,
      YARN_GLOBAL_FOLDER: `${caches}/yarn`,
      YARN_NODE_LINKER: 'node-modules',
      ...(app.has('.yarn/cache') ? {} : { YARN_ENABLE_GLOBAL_CACHE: 'true' }),
      ...Object.fromEntries(Object.entries(proxies).filter(([, address]) => address)),
    };
  },

  registry: (app, registry) => (/^npmRegistryServer:/m.test(app.read('.yarnrc.yml')) ? {} : { YARN_NPM_REGISTRY_SERVER: registry }),
  installsAll: true, // and checks the lock, which focusing on some does not
  install: () => ['yarn', 'install', '--immutable'],
  installScripts: () => ['preinstall', 'install', 'postinstall'], // the app's own also where enableScripts is false

  prune(app, version) {
    if (Number.parseInt(version, 10) >= 4) return ['yarn', 'workspaces', 'focus', '--all', '--production'];
    detail(`Yarn ${version} cannot remove development packages; 4 and later can.`);
    return null;
  },

  run: (script) => ['yarn', 'run', script],
};
