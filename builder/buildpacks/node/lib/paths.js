// Where programs of the app are, for its processes and for buildpacks that follow.

const fs = require('node:fs');
const path = require('node:path');
const { Refusal } = require('./refusal');

const TOOLS = '.stratum/node'; // yarn and pnpm, so that a Procfile may say `yarn start`

/** Folders of programs, of which the first has the word. */
const paths = (folder) => [path.join(folder, 'node_modules/.bin'), path.join(folder, TOOLS, 'node_modules/.bin')];

/** Have every process of the app source profile.sh, before what the app itself has under that name. */
function writeProfile(folder) {
  const file = path.join(folder, '.profile.d/node.sh');
  refuseUnlessFree(folder, file);
  const ours = fs.readFileSync(path.join(__dirname, 'profile.sh'), 'utf8');
  const own = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.rmSync(file, { force: true });
  fs.writeFileSync(file, own.startsWith(ours) ? own : ours + own);
}

function refuseUnlessFree(folder, file) {
  const isFolder = (place) => fs.statSync(place, { throwIfNoEntry: false })?.isDirectory();
  const refuse = (place, fault) => {
    const refusal = new Refusal(`${path.relative(folder, place)} is ${fault}.`, 'Rename or remove it, commit, and push again.');
    throw Object.assign(refusal, { doing: 'Writing .profile.d/node.sh' });
  };
  const parent = path.dirname(file);
  if (fs.lstatSync(parent, { throwIfNoEntry: false }) && !isFolder(parent)) refuse(parent, 'no folder');
  for (const place of [parent, file]) if (leadsOut(folder, place)) refuse(place, 'a link out of the app');
  if (isFolder(file)) refuse(file, 'a folder');
}

function leadsOut(folder, place) {
  return fs.existsSync(place) && !fs.realpathSync(place).startsWith(fs.realpathSync(folder) + path.sep);
}

/** Source: the classic API's `export`; STRATUM_EXPORT says where a built-in buildpack has its own. */
function writeExport(folder) {
  const file = process.env.STRATUM_EXPORT;
  if (file) fs.appendFileSync(file, `export PATH='${paths(folder).join(':')}':"$PATH"\n`);
}

module.exports = { TOOLS, paths, writeProfile, writeExport };
