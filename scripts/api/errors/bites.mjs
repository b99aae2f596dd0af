/** Tests the scan for errors: each breaking source must be refused for its reason, and each good one must give its entry. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readErrors } from './read.mjs';

const REMEDY = '// @cause It is full.\n// @remedy Send less.\n';
const THROWN = "throw new RpcError(Status.UNAVAILABLE, 'no room');";

/** A source, and what its faults say. */
const refused = [
  [`// @cause It is full.\n// @effect none\n${THROWN}`, 'no @remedy'],
  [`// @remedy Send less.\n// @effect none\n${THROWN}`, 'no @cause'],
  [`${REMEDY}${THROWN}`, 'no @effect'],
  [`${REMEDY}// @effect none\nthrow new RpcError(code, 'no room');`, 'add @code'],
  [`${REMEDY}// @effect none\nthrow new RpcError(Status.ABORTED, message);`, 'add @text'],
  ["if (full) throw invalidArgument([{ field: 'name', description: 'is too long' }]);", 'no @cause'],
  ["throw new TransportError(Status.UNAVAILABLE, 'no room', { reach: 'never' });", 'no @cause'],
  ["class Full extends RpcError {}\nthrow new Full(Status.UNAVAILABLE, 'no room');", 'no @cause'],
  [
    "abstract class DomainError {}\nclass Full extends DomainError {\n  constructor() {\n    super('no room');\n  }\n}",
    'no @cause',
  ],
  [
    `// @callers\nfunction full(what: string) {\n  return new RpcError(Status.ABORTED, what);\n}\nthrow full('no room');`,
    'no @cause',
  ],
  // The comment of one statement says nothing of those inside of it.
  [`${REMEDY}// @effect none\nif (full) {\n  ${THROWN}\n}`, 'no @cause'],
  [`${REMEDY}const size = 1;`, 'above no error'],
];

/** A source, and the texts of its entries. */
const accepted = [
  [`${REMEDY}// @effect none\n${THROWN}`, ['no room']],
  [`${REMEDY}// @effect none\n${THROWN}\n${THROWN}`, ['no room', 'no room']],
  ['// @rewraps the error of the call.\nthrow new RpcError(code, message);', []],
  [
    `${REMEDY}throw new TransportError(Status.UNAVAILABLE, \`no room for \${call.name}\`, { reach: 'unsent' });`,
    ['no room for <name>'],
  ],
  ["function log() {\n  return new Error('no room');\n}", []],
];

const folder = mkdtempSync(path.join(tmpdir(), 'rondo-errors-'));
try {
  const faults = [...refused.flatMap(checkRefused), ...accepted.flatMap(checkAccepted)];
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}

function checkRefused([source, reason]) {
  const { faults } = read(source);
  return faults.some((fault) => fault.includes(reason)) ? [] : [`not refused by "${reason}":\n${source}`];
}

function checkAccepted([source, texts]) {
  const { sites, faults } = read(source);
  const found = sites.map(({ text }) => text);
  return faults.length === 0 && `${found}` === `${texts}` ? [] : [`gives ${found}, and ${faults}:\n${source}`];
}

function read(source) {
  const file = path.join(folder, 'packages/rpc/src/example.ts');
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, source);
  return readErrors(folder);
}
