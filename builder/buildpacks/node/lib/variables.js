// The app's variables, one file each in ENV_DIR, and what the tools are told beyond them.

const fs = require('node:fs');
const path = require('node:path');

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
// They would change which programs run rather than what the app is. Source: the buildpack API's own list.
const KEPT_OUT = new Set([
  'PATH', 'HOME', 'GIT_DIR', 'CPATH', 'CPPATH', 'LD_PRELOAD', 'LD_LIBRARY_PATH', 'LIBRARY_PATH', 'BASH_ENV', 'ENV', 'IFS',
]);
// For programs that bring their own list of authorities, as Node.js does.
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/** Read the app's variables; none when there is no such folder. */
function readVariables(folder) {
  const names = folder && fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  const wanted = names.filter((name) => NAME.test(name) && !KEPT_OUT.has(name));
  return Object.fromEntries(wanted.map((name) => [name, fs.readFileSync(path.join(folder, name), 'utf8')]));
}

/** The environment of whatever runs in the build: the app's own variables win, and what we were told is our own. */
function environment(given, variables, caches) {
  const defaults = {
    ...caches,
    NODE_ENV: 'production',
    CI: 'true', // no questions, no progress bars
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    npm_config_loglevel: 'error',
    YARN_ENABLE_TELEMETRY: '0',
    COREPACK_ENABLE_STRICT: '0',
    ...(fs.existsSync(CERTIFICATES) && !given.NODE_EXTRA_CA_CERTS ? { NODE_EXTRA_CA_CERTS: CERTIFICATES } : {}),
  };
  const inherited = Object.fromEntries(Object.entries(given).filter(([name]) => !name.startsWith('STRATUM_')));
  return { ...inherited, ...without(defaults, variables), ...variables };
}

// npm and yarn read their settings without regard to case: one of two spellings would win by chance.
function without(defaults, variables) {
  const said = new Set(Object.keys(variables).map((name) => name.toLowerCase()));
  return Object.fromEntries(Object.entries(defaults).filter(([name]) => !said.has(name.toLowerCase())));
}

const says = (variables, names, value) => names.some((name) => (variables[name] ?? '').trim() === value);
const PRODUCTION = ['NPM_CONFIG_PRODUCTION', 'npm_config_production', 'YARN_PRODUCTION'];

/** Whether the app asks for its development packages at run time, in one of the ways people know. */
function keepsDevelopment(variables) {
  return (
    (variables.NODE_ENV ?? 'production').trim() !== 'production' ||
    says(variables, PRODUCTION, 'false') ||
    says(variables, ['YARN2_SKIP_PRUNING', 'PNPM_SKIP_PRUNING'], 'true')
  );
}

/** Whether the app wants none of them even while it is built. */
const refusesDevelopment = (variables) => says(variables, PRODUCTION, 'true');

module.exports = { readVariables, environment, keepsDevelopment, refusesDevelopment };
