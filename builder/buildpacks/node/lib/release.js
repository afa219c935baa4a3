// bin/release: the default web process, when there is something to start.

const { App } = require('./app');
const { report } = require('./refusal');

const app = new App(process.argv[2]);
// Source: npm's documentation, "npm start": without a start script it runs server.js.
if (app.runs('start') || app.has('server.js')) console.log('---\ndefault_process_types:\n  web: npm start');
else report({ advice: 'Add a script start to package.json, or a Procfile with a line such as: web: node main.js' });
