// Whether this server's Node.js is one that the app says it runs on.

const { npms } = require('./host');
const { Refusal } = require('./refusal');

/** Check `engines.node`, by the rules of npm's own `semver`, which comes with npm. */
function checkNode(app) {
  const range = app.manifest.engines?.node;
  if (range === undefined) return;
  const semver = npms('semver');
  if (typeof range !== 'string' || semver.validRange(range) === null) {
    const mend = 'Correct it, such as ">=20", or leave it out; commit, and push again.';
    throw new Refusal(`engines.node in package.json is no range of versions: ${JSON.stringify(range)}.`, mend);
  }
  if (!semver.satisfies(process.version, range, { includePrerelease: true })) {
    throw new Refusal(
      `engines.node in package.json asks for Node.js ${range}; this server has ${process.version.slice(1)}.`,
      'Widen the range if the app runs on that, commit, and push again; or ask the operator to install another Node.js.',
    );
  }
}

module.exports = { checkNode };
