const fs = require('node:fs');

fs.mkdirSync('dist/assets', { recursive: true });
fs.writeFileSync('dist/index.html', fs.readFileSync('index.html', 'utf8').replace('source', 'built'));
fs.writeFileSync('dist/assets/app.js', 'document.title = "built"\n');
