/** Whatever a server answers, the call ends with a fitting code, and neither the process nor another call is harmed. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Status } from '../src/exports/status.js';
import { statusName } from '../src/status/code.js';
import { type Answer, codesFor, KINDS, type Kind } from './answers/answer.js';
import { ends } from './answers/ends.js';
import { frames } from './answers/frames.js';
import { http } from './answers/http.js';
import { messages } from './answers/messages.js';
import { type Peer, startPeer } from './answers/peer.js';
import { statuses } from './answers/statuses.js';
import { until } from './support/wait.js';

const CALLER = fileURLToPath(new URL('./answers/caller.mjs', import.meta.url));
/** An answered call ends long before this deadline. Milliseconds. */
const TIMEOUT_MS = 20_000;

interface Outcome {
  readonly code: Status;
  /** The text of the error; "well" if the call succeeded. */
  readonly message: string;
}

let caller: ChildProcess;
let other: Peer;
let said = '';
let count = 0;

beforeAll(async () => {
  other = await startPeer();
  caller = fork(CALLER, { env: { ...process.env, NODE_NO_WARNINGS: '1' }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  for (const output of [caller.stdout, caller.stderr]) output?.on('data', (bytes) => (said += bytes));
  caller.setMaxListeners(0);
  await once(caller, 'message');
});

afterAll(async () => {
  const exited = caller.exitCode === null && caller.signalCode === null ? once(caller, 'exit') : undefined;
  caller.kill('SIGKILL');
  await exited;
  expect(other.connections()).toBe(1);
  await other.close();
});

/** The caller is still the same process, and has logged nothing. */
afterEach(() => {
  expect([caller.exitCode, caller.signalCode, said]).toEqual([null, null, '']);
});

/** Makes the process call, and returns the outcome. */
function call(address: string, kind: Kind, timeoutMs = TIMEOUT_MS): Promise<Outcome> {
  count += 1;
  const id = count;
  return new Promise((resolve, reject) => {
    const onExit = () => reject(new Error(`the process of the client has ended: ${said}`));
    caller.once('exit', onExit);
    const onMessage = (outcome: Outcome & { id: number }) => {
      if (outcome.id !== id) return;
      caller.off('message', onMessage);
      caller.off('exit', onExit);
      resolve(outcome);
    };
    caller.on('message', onMessage);
    if (caller.connected) caller.send({ id, address, kind, timeoutMs });
    else onExit();
  });
}

/** A call after `answer`. If that ended the connection, the client needs a moment to notice and to reconnect. */
async function callAgain(address: string, kind: Kind, { connection, timeoutMs }: Answer): Promise<Outcome> {
  let outcome = await call(address, kind, timeoutMs);
  const made = async () => {
    if (outcome.code !== Status.OK) outcome = await call(address, kind, timeoutMs);
    return outcome.code === Status.OK;
  };
  if (connection === 'ends') await until(made);
  return outcome;
}

/** The outcome of a call that gets `answer`, and of the calls after it. */
async function outcomeOf(answer: Answer, kind: Kind) {
  const peer = await startPeer(answer);
  try {
    const { code, message } = await call(peer.address, kind, answer.timeoutMs);
    const before = peer.connections();
    peer.recover();
    const again = await callAgain(peer.address, kind, answer);
    const elsewhere = await call(other.address, kind);
    const after = peer.connections();
    return { kind, code: statusName(code), message, before, after, again: again.message, elsewhere: elsewhere.message };
  } finally {
    if (caller.connected) caller.send({ close: peer.address });
    await peer.close();
  }
}

/** The expected outcome. */
function expected(answer: Answer, kind: Kind) {
  const connections = answer.connection === 'stands' ? 1 : expect.any(Number);
  return {
    kind,
    code: expect.stringMatching(new RegExp(`^(${codesFor(answer, kind).map(statusName).join('|')})$`)),
    message: expect.any(String),
    before: connections,
    after: connections,
    again: 'well',
    elsewhere: 'well',
  };
}

describe.each<[string, readonly Answer[]]>([
  ['statuses', statuses],
  ['HTTP', http],
  ['messages', messages],
  ['ends', ends],
  ['frames', frames],
])('an answer that is broken: %s', (_theme, answers) => {
  it.each(answers.map((answer) => [answer.name, answer] as const))('%s', async (_name, answer) => {
    const outcomes = await Promise.all(KINDS.map((kind) => outcomeOf(answer, kind)));
    expect(outcomes).toEqual(KINDS.map((kind) => expected(answer, kind)));
  });
});
