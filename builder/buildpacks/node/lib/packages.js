// What was installed, for the release: the packages that package.json asks for, and their versions.

const fs = require('node:fs');
const path = require('node:path');

/** Versions of what the app asks for and has, by name. */
function installed(app) {
  return Object.fromEntries(app.asked.sort().flatMap((name) => {
    const version = versionOf(path.join(app.folder, 'node_modules', name, 'package.json'));
    return version ? [[name, version]] : [];
  }));
}

function versionOf(manifest) {
  try {
    return String(JSON.parse(fs.readFileSync(manifest, 'utf8')).version);
  } catch {
    return null;
  }
}

module.exports = { installed };
