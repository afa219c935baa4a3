const ms = require('ms');
const settings = require('./settings.json');
console.log(settings.greeting, ms('1m'));
