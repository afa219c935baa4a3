// Which package manager installs the app: the one whose lock file is there.

const npm = require('./managers/npm');
const yarn = require('./managers/yarn');
const berry = require('./managers/berry');
const pnpm = require('./managers/pnpm');
const { Refusal } = require('./refusal');

const PINNED = /^(npm|yarn|pnpm|bun)@(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)(?:\+(sha(?:1|224|256|384|512))\.([0-9a-f]{1,128}))?$/;
const BUN = ['bun.lock', 'bun.lockb'];

/** Choose by lock file; returns the manager, its lock file (null for none), and the version that is pinned. */
function choose(app) {
  const locks = [...npm.locks, ...yarn.locks, ...pnpm.locks, ...BUN].filter((lock) => app.has(lock));
  const pinned = pinnedIn(app);
  const chosen = [npm, yarn, pnpm].filter((manager) => manager.locks.some((lock) => locks.includes(lock)));
  if (locks.some((lock) => BUN.includes(lock)) || pinned?.name === 'bun') {
    throw new Refusal('Bun is not known here.', 'Commit package-lock.json, yarn.lock or pnpm-lock.yaml instead, and push again.');
  }
  if (chosen.length > 1) {
    throw new Refusal(`There are lock files of several package managers: ${locks.join(', ')}.`, 'Remove all but one, commit, and push again.');
  }
  const manager = chosen[0] ?? npm;
  if (pinned && pinned.name !== manager.name) refuseOther(pinned, locks);
  const lock = locks[0] ?? null;
  return { manager: manager === yarn && isBerry(app, pinned) ? berry : manager, lock, pinned };
}

function refuseOther(pinned, locks) {
  const found = locks.length ? `the lock file is ${locks[0]}` : 'there is no lock file of it';
  throw new Refusal(
    `packageManager in package.json says ${pinned.name}, but ${found}.`,
    `Run ${pinned.name} install, commit its lock file and no other, and push again; or leave packageManager out.`,
  );
}

function pinnedIn(app) {
  const text = app.manifest.packageManager;
  if (text === undefined) return null;
  const [, name, version, algorithm, digest] = PINNED.exec(text) ?? [];
  if (!name) {
    const mend = 'Write a name and a version, such as "pnpm@10.34.9"; commit, and push again.';
    throw new Refusal(`packageManager in package.json is no name@version: ${JSON.stringify(text)}.`, mend);
  }
  return { name, version, algorithm, digest };
}

const isBerry = (app, pinned) => (pinned ? !pinned.version.startsWith('1.') : /^__metadata:/m.test(app.read('yarn.lock')));

module.exports = { choose };
