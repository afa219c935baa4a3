// The host's npm, which `bin/compile` has seen to be there, and its clock.

const fs = require('node:fs');
const path = require('node:path');
const { createRequire } = require('node:module');

const program = () => process.env.PATH.split(':').map((folder) => path.join(folder, 'npm')).find((file) => fs.existsSync(file));

/** Load something that npm ships or depends on. */
const npms = (name) => createRequire(fs.realpathSync(program()))(name);

/** Say that a part of the cache is used: what was used longest ago is removed first. */
const touch = (file) => fs.utimesSync(file, new Date(), new Date());

module.exports = { npms, touch };
