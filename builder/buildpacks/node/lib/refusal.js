// What the pusher is told, and how a build ends that cannot go on.
//
// Source of STRATUM_MARK and STRATUM_REPORT: builder/buildpacks/told.py. Without them the words are printed.

const fs = require('node:fs');

const { STRATUM_MARK: MARK, STRATUM_REPORT: REPORT } = process.env;

/** The app cannot be built as it is: what is wrong, and what to do. `doing` names the work. */
class Refusal extends Error {
  constructor(fault, mend) {
    super(fault);
    this.doing = 'Detecting the app';
    this.mend = mend;
    this.code = 1;
  }
}

/** A program failed, which has said why. */
class ProgramFailed extends Error {
  constructor(doing, code, mend) {
    super(`${doing} failed, exit code ${code}.`);
    Object.assign(this, { doing, code, mend });
  }
}

const step = (text) => console.log(MARK ? `${MARK}${text}` : `-----> ${text}`);
/** What a failure of the work that begins is to be called. */
const begin = (doing) => MARK && console.log(`${MARK}=${doing}`);
const detail = (text) => console.log(text);

/** Tell the framework what the classic API has no words for: `packages`, or what failed. */
function report(found) {
  if (REPORT) fs.writeFileSync(REPORT, JSON.stringify(found));
}

function explain(error) {
  const { doing, mend, message } = error;
  report({ doing, mend, detail: error instanceof Refusal ? message : '' });
  if (!REPORT) for (const line of [message, mend].filter(Boolean)) console.log(` !     ${line}`);
}

module.exports = { Refusal, ProgramFailed, begin, step, detail, report, explain };
