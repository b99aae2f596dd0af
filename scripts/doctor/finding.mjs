/**
 * What the doctor finds: the form of a finding, the order of the checks and the printed text. scripts/doctor and packages/cli
 * share this file. It is plain JavaScript without imports, as it must work before anything is installed or built. Its types
 * stand in finding.d.mts.
 */

/** The checks by name, in the order in which findings are printed: first those of machine and clone, then those of what runs. */
export const CHECKS = [
  'platform',
  'node',
  'npm',
  'git',
  'cores',
  'memory',
  'disk',
  'open files',
  'threads',
  'watches',
  'packages',
  'generated code',
  'built code',
  'data folder',
  'locks',
  'ports',
  'processes',
  'database',
  'registry',
  'instances',
  'instance ids',
  'health',
  'clock',
  'rondo',
];

export const ok = (detail) => ({ state: 'ok', detail });
export const note = (detail, remedy) => ({ state: 'note', detail, remedy });
export const warn = (detail, remedy) => ({ state: 'warn', detail, remedy });
export const fail = (detail, remedy) => ({ state: 'fail', detail, remedy });

const LABELS = { ok: 'ok  ', note: 'note', warn: 'warn', fail: 'FAIL' };
const NAME_WIDTH = Math.max(...CHECKS.map((name) => name.length));

export function formatFinding({ name, state, detail, remedy }, paint = (_state, label) => label) {
  const line = `${paint(state, LABELS[state])}  ${name.padEnd(NAME_WIDTH)}  ${detail}\n`;
  return remedy === undefined ? line : `${line}      → ${remedy}\n`;
}

export const isHealthy = (findings) => findings.every(({ state }) => state !== 'fail');

export function parseFinding(value) {
  const { name, state, detail, remedy } = Object(value);
  if (typeof name !== 'string' || typeof detail !== 'string' || !Object.hasOwn(LABELS, state)) {
    throw new Error(`scripts/doctor returned a value that is not a finding: ${JSON.stringify(value)}`);
  }
  return { name, state, detail, ...(typeof remedy === 'string' && { remedy }) };
}
