import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Status } from '../../src/exports/status.js';
import { statusName } from '../../src/status/code.js';
import { HANG_MS, until } from '../support/wait.js';
import { type Answer, codesFor, KINDS, type Kind } from './answer.js';
import { ends } from './ends.js';
import { frames } from './frames.js';
import { http } from './http.js';
import { messages } from './messages.js';
import { type Peer, startPeer } from './peer.js';
import { statuses } from './statuses.js';

const CALLER = fileURLToPath(new URL('caller.mjs', import.meta.url));
/** What becomes of the connection, and how long the call waits. */
type Expectation = Pick<Answer, 'connection' | 'timeoutMs'>;
const STANDS: Expectation = { connection: 'stands' };

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
  caller = fork(CALLER, [], {
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
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
function call(address: string, kind: Kind, { connection, timeoutMs = HANG_MS }: Expectation): Promise<Outcome> {
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
    if (caller.connected) caller.send({ id, address, kind, timeoutMs, stands: connection === 'stands' });
    else onExit();
  });
}

/** A call after `answer`. If that ended the connection, the client needs a moment to notice and to reconnect. */
async function callAgain(address: string, kind: Kind, answer: Answer): Promise<Outcome> {
  if (answer.connection === 'stands') return call(address, kind, STANDS);
  let outcome = await call(address, kind, answer);
  await until(async () => {
    if (outcome.code !== Status.OK) outcome = await call(address, kind, answer);
    return outcome.code === Status.OK;
  });
  return outcome;
}

/** The outcomes of calls over one connection that get `answer`, and of the calls after them. */
async function outcomesOf(answer: Answer, kinds: readonly [Kind, ...Kind[]]) {
  const peer = await startPeer(answer);
  try {
    const outcomes = await Promise.all(kinds.map((kind) => call(peer.address, kind, answer)));
    const before = peer.connections();
    peer.recover();
    const again = await Promise.all(kinds.map((kind) => callAgain(peer.address, kind, answer)));
    const elsewhere = (await call(other.address, kinds[0], STANDS)).message;
    const after = peer.connections();
    return outcomes.map(({ code, message }, index) => {
      return {
        kind: kinds[index],
        code: statusName(code),
        message,
        before,
        after,
        again: again[index]?.message,
        elsewhere,
      };
    });
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

/**
 * Whatever a server answers, the call ends with a fitting code, and neither the process nor another call is harmed. An answer
 * that ends its connection ends all calls over it: each of `kinds` has a connection of its own then.
 */
export function describeAnswers(kinds: readonly Kind[]): void {
  describe.each<[string, readonly Answer[]]>([
    ['statuses', statuses],
    ['HTTP', http],
    ['messages', messages],
    ['ends', ends],
    ['frames', frames],
  ])('an answer that is broken: %s', (_theme, answers) => {
    it.each(answers.map((answer) => [answer.name, answer] as const))('%s', async (_name, answer) => {
      const connections = answer.connection === 'stands' ? [KINDS] : kinds.map((kind) => [kind] as const);
      const outcomes = await Promise.all(connections.map((sharing) => outcomesOf(answer, sharing)));
      expect(outcomes.flat()).toEqual(connections.flat().map((kind) => expected(answer, kind)));
    });
  });
}
