// yarn and pnpm: fetched by npm into the cache, from where npm's packages come, and put into the slug.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { touch } = require('./host');
const { TOOLS } = require('./paths');
const { Refusal, step } = require('./refusal');

/** Have a tool in the slug; returns its exact version. */
function provide(tool, pinned, { caches, app, programs }) {
  const checked = pinned?.digest ? `+${pinned.algorithm}.${pinned.digest}` : ''; // so that what was kept has been compared with it
  const home = path.join(caches, 'tools', `${tool.command}@${tool.version}${checked}`);
  if (fs.existsSync(home)) touch(path.dirname(home));
  else fetch(tool, pinned, home, programs);
  fs.cpSync(path.join(home, 'node_modules'), path.join(app.folder, TOOLS, 'node_modules'), { recursive: true, verbatimSymlinks: true });
  return JSON.parse(fs.readFileSync(path.join(home, 'node_modules', tool.package, 'package.json'), 'utf8')).version;
}

function fetch(tool, pinned, home, programs) {
  step(`Fetching ${tool.command} ${tool.version}`);
  const tools = path.dirname(home);
  fs.rmSync(tools, { recursive: true, force: true }); // one is enough
  const folder = `${home}.new`;
  fs.mkdirSync(folder, { recursive: true });
  const argv = ['npm', 'install', '--prefix', folder, '--ignore-scripts', '--no-save', `${tool.package}@${tool.version}`];
  const doing = `Fetching ${tool.command} ${tool.version}`;
  programs.run(argv, { cwd: folder, doing, mend: 'See that there is such a version, and push again.' });
  if (pinned?.digest) check(tool, pinned, folder);
  fs.renameSync(folder, home);
}

// Source: corepack's README: the digest is of the package's archive, for berry of its only program.
function check(tool, pinned, folder) {
  const program = path.join(folder, 'node_modules', tool.package);
  let digest;
  if (tool.package === '@yarnpkg/cli-dist') {
    digest = crypto.createHash(pinned.algorithm).update(fs.readFileSync(path.join(program, 'bin/yarn.js'))).digest('hex');
  } else {
    const lock = JSON.parse(fs.readFileSync(path.join(folder, 'node_modules/.package-lock.json'), 'utf8'));
    const [algorithm, found] = lock.packages[`node_modules/${tool.package}`].integrity.split('-');
    if (algorithm !== pinned.algorithm) return;
    digest = Buffer.from(found, 'base64').toString('hex');
  }
  if (digest !== pinned.digest) {
    throw new Refusal(
      `${tool.command} ${tool.version} as fetched has another digest than packageManager in package.json says.`,
      'Correct the digest or leave it out, commit, and push again.',
    );
  }
}

module.exports = { provide };
