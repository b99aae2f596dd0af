/** What the doctor finds: one row a check. */

/**
 * @typedef {object} Outcome
 * @property {'ok' | 'note' | 'warn' | 'fail'} state `note`: nobody asked for it yet; `warn`: it works, for now.
 * @property {string} detail What is so; of a fault also why it matters.
 * @property {string} [remedy] What to run or change.
 */

/** @typedef {Outcome & { name: string }} Finding */

/**
 * What is looked at.
 * @typedef {object} Subject
 * @property {string} data The data folder, absolute.
 * @property {Record<string, string | undefined>} environment
 */

/** @typedef {[name: string, check: (subject: Subject) => Outcome | Promise<Outcome>]} Check */

/** @returns {Outcome} */
export const ok = (detail) => ({ state: 'ok', detail });
/** @returns {Outcome} */
export const note = (detail, remedy) => ({ state: 'note', detail, remedy });
/** @returns {Outcome} */
export const warn = (detail, remedy) => ({ state: 'warn', detail, remedy });
/** @returns {Outcome} */
export const fail = (detail, remedy) => ({ state: 'fail', detail, remedy });

const DEADLINE_MS = 8_000;

/**
 * Runs checks, all at once, and tells what they find in their order. None can keep the others from being told: that
 * one isn't done in time is a finding of its own, and what one throws, such as that a manifest is wrong, is a fault.
 * @param {Check[]} checks
 * @param {Subject} subject
 * @returns {AsyncGenerator<Finding>}
 */
export async function* examine(checks, subject) {
  const findings = checks.map(async ([name, check]) => ({ name, ...(await attempt(check, subject)) }));
  for (const finding of findings) yield await finding;
}

async function attempt(check, subject) {
  let timer;
  const late = new Promise((resolve) => {
    const found = warn(`not known: looking took more than ${DEADLINE_MS / 1000} s`, 'look again when less is going on');
    timer = setTimeout(() => resolve(found), DEADLINE_MS);
  });
  try {
    return await Promise.race([check(subject), late]);
  } catch (error) {
    return fail(error.message);
  } finally {
    clearTimeout(timer);
  }
}
