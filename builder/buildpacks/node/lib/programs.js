// Running npm and its like, with their output in the log.

const { spawnSync } = require('node:child_process');
const { ProgramFailed, begin } = require('./refusal');

class Programs {
  constructor(folder, environ) {
    this.folder = folder;
    this.environ = environ;
  }

  /** Run one; its failure ends the build. `doing` is what the pusher would call it. */
  run([program, ...args], { cwd = this.folder, doing = [program, ...args.slice(0, 2)].join(' '), mend = '' } = {}) {
    begin(doing);
    const done = spawnSync(program, args, { cwd, env: this.environ, stdio: ['ignore', 'inherit', 'inherit'] });
    if (done.status !== 0) throw new ProgramFailed(doing, exitCode(done), mend);
  }

  /** Run one that may fail; its output is nobody's business. */
  attempt([program, ...args]) {
    return spawnSync(program, args, { cwd: this.folder, env: this.environ, stdio: 'ignore' }).status === 0;
  }

  /** What one prints. */
  ask([program, ...args]) {
    const stdio = ['ignore', 'pipe', 'ignore'];
    return (spawnSync(program, args, { cwd: '/', env: this.environ, encoding: 'utf8', stdio }).stdout ?? '').trim();
  }
}

// As a shell has it: 127 for what could not be started, 137 for what was killed.
function exitCode(done) {
  if (done.error) return 127;
  return done.status ?? 128 + require('node:os').constants.signals[done.signal];
}

module.exports = { Programs };
