/** One line a step, with its time; the output of a step that fails, and no other. A terminal shows the step under way. */

const maxLines = 60;

/**
 * @typedef {object} Outcome
 * @property {number} code 0 when it passed.
 * @property {string} [output] Shown when it failed.
 * @property {string} [note] Stands on the step's line.
 * @property {boolean} [skipped] Neither passed nor failed; `note` says why.
 */

/**
 * Runs one step and prints its line.
 * @param {string} name
 * @param {() => Promise<Outcome>} work
 * @returns {Promise<Outcome>}
 */
export async function step(name, work) {
  const startedAt = performance.now();
  const outcome = await underWay(name, work);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${mark(outcome)} ${name.padEnd(20)} ${seconds.padStart(6)} s  ${outcome.note ?? ''}`.trimEnd());
  if (outcome.code !== 0) console.log(excerpt(outcome.output ?? ''));
  return outcome;
}

/** The line is wiped out again, also when the work throws: what comes next takes its place. */
async function underWay(name, work) {
  if (!process.stdout.isTTY) return await work();
  // Back to its beginning: a warning that comes meanwhile takes its place.
  process.stdout.write(`…       ${name}\r`);
  try {
    return await work();
  } finally {
    process.stdout.write('\x1b[K');
  }
}

function mark({ code, skipped }) {
  if (skipped) return colored('yellow', 'SKIPPED');
  return code === 0 ? colored('green', 'ok     ') : colored('red', 'FAILED ');
}

const COLORS = { red: 31, green: 32, yellow: 33 };

/**
 * On a terminal that shows colours: NO_COLOR, FORCE_COLOR and TERM count as they do for Node.
 * @param {'red' | 'green' | 'yellow'} color
 * @param {string} text
 */
export const colored = (color, text) => (process.stdout.hasColors?.() ? `\x1b[${COLORS[color]}m${text}\x1b[39m` : text);

/** The first lines tell; a tool's thousandth complaint doesn't. */
function excerpt(text) {
  const lines = text.trimEnd().split('\n');
  const more = lines.length > maxLines ? [`… and ${lines.length - maxLines} more lines`] : [];
  return [...lines.slice(0, maxLines), ...more].map((line) => `        ${line}`).join('\n');
}
