/** Prints a line for each step with its time, and the output of steps that fail. A terminal shows the running step. */

const maxLines = 60;

/**
 * @typedef {object} StepResult
 * @property {number} code 0 when it passed.
 * @property {string} [output] Shown when it failed.
 * @property {string} [note] Stands on the step's line.
 * @property {boolean} [skipped] The step neither passed nor failed; `note` says why.
 */

/**
 * Runs one step and prints its line.
 * @param {string} name
 * @param {() => Promise<StepResult>} work
 * @returns {Promise<StepResult>}
 */
export async function step(name, work) {
  const startedAt = performance.now();
  const outcome = await withRunningLine(name, work);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${mark(outcome)} ${name.padEnd(20)} ${seconds.padStart(6)} s  ${outcome.note ?? ''}`.trimEnd());
  if (outcome.code !== 0) console.log(excerpt(outcome.output ?? ''));
  return outcome;
}

/** Shows the name of the running step on a terminal, and clears the line when the step ends. */
async function withRunningLine(name, work) {
  if (!process.stdout.isTTY) return await work();
  // The \r moves to the start of the line, so that a warning overwrites it.
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
 * Colours text if the terminal shows colours. NO_COLOR, FORCE_COLOR and TERM have the same meaning as for Node.
 * @param {'red' | 'green' | 'yellow'} color
 * @param {string} text
 */
export const colored = (color, text) => (process.stdout.hasColors?.() ? `\x1b[${COLORS[color]}m${text}\x1b[39m` : text);

/** The first lines of a failed tool's output. Later lines seldom help. */
function excerpt(text) {
  const lines = text.trimEnd().split('\n');
  const more = lines.length > maxLines ? [`… and ${lines.length - maxLines} more lines`] : [];
  return [...lines.slice(0, maxLines), ...more].map((line) => `        ${line}`).join('\n');
}
