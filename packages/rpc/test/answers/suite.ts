import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import {
  type CallOptions,
  type Channel,
  createChannel,
  createClient,
  staticResolver,
} from '../../src/exports/client.js';
import { RpcError, Status } from '../../src/exports/status.js';
import { statusName } from '../../src/status/code.js';
import { collect, streamOf } from '../support/stream.js';
import { HANG_MS, until } from '../support/wait.js';
import { type Answer, codeFor, KINDS, type Kind } from './answer.js';
import { ends } from './ends.js';
import { http } from './http.js';
import { messages } from './messages.js';
import { type Peer, startPeer } from './peer.js';
import { statuses } from './statuses.js';

const { methods } = ConformanceServiceDefinition;
/** As if none could be called twice: each call gets its answer once, and ends with what that says. */
const definition = {
  ...ConformanceServiceDefinition,
  methods: { ...methods, serverStream: { ...methods.serverStream, options: {} } },
};

/** So that a connection stands also when this machine is so busy that its peer doesn't answer for a while. */
const PATIENT = { connectTimeoutMs: HANG_MS, minPingIntervalMs: HANG_MS };

interface Caller {
  readonly channel: Channel;
  /** Resolves to the code of a call, and the text of its error: "well" if it succeeded. */
  call(kind: Kind, timeoutMs?: number): Promise<{ readonly code: Status; readonly message: string }>;
}

function callerOf({ address }: Peer, options = {}): Caller {
  const channel = createChannel({ resolver: staticResolver([address]), ...options });
  const client = createClient(definition, { channel });
  const calls: Readonly<Record<Kind, (options: CallOptions) => Promise<unknown>>> = {
    unary: (given) => client.unaryUnsafe({}, given),
    clientStream: (given) => client.clientStream(streamOf({}), given),
    serverStream: (given) => collect(client.serverStream({}, given)),
    bidiStream: (given) => collect(client.bidiStream(streamOf({}), given)),
  };
  return {
    channel,
    async call(kind, timeoutMs = HANG_MS) {
      try {
        await calls[kind]({ timeoutMs });
        return { code: Status.OK, message: 'well' };
      } catch (error) {
        if (error instanceof RpcError) return error;
        throw error;
      }
    },
  };
}

let peer: Peer;
let other: Caller;

beforeAll(async () => {
  peer = await startPeer();
  other = callerOf(peer, PATIENT);
});

afterAll(async () => {
  expect(peer.connections()).toBe(1);
  other.channel.close();
  await peer.close();
});

/** The outcomes of calls over one connection that get `answer`, and of the calls after them. */
async function outcomesOf(answer: Answer, kinds: readonly [Kind, ...Kind[]]) {
  const wrong = await startPeer(answer);
  const stands = answer.connection === 'stands';
  const { channel, call } = callerOf(wrong, stands ? PATIENT : {});
  /** If the answer ended the connection, the client needs a moment to notice and to reconnect. */
  const again = async (kind: Kind) => {
    let outcome = await call(kind);
    await until(async () => {
      if (!stands && outcome.code !== Status.OK) outcome = await call(kind);
      return stands || outcome.code === Status.OK;
    });
    return outcome.message;
  };
  try {
    const outcomes = await Promise.all(kinds.map((kind) => call(kind, answer.timeoutMs)));
    const before = wrong.connections();
    wrong.recover();
    const later = await Promise.all(kinds.map(again));
    const elsewhere = (await other.call(kinds[0])).message;
    const after = wrong.connections();
    return outcomes.map(({ code }, index) => {
      return { kind: kinds[index], code: statusName(code), before, after, again: later[index], elsewhere };
    });
  } finally {
    channel.close();
    await wrong.close();
  }
}

/** The expected outcome. */
function expected(answer: Answer, kind: Kind) {
  const connections = answer.connection === 'stands' ? 1 : expect.any(Number);
  return {
    kind,
    code: statusName(codeFor(answer, kind)),
    before: connections,
    after: connections,
    again: 'well',
    elsewhere: 'well',
  };
}

/**
 * Whatever a server answers, the call ends with a fitting code, nothing is written to the console, and no other call is harmed. An
 * answer that ends its connection ends all calls over it: each of `kinds` has a connection of its own then.
 */
export function describeAnswers(kinds: readonly Kind[]): void {
  const said = jest.spyOn(console, 'error');
  afterEach(() => {
    expect(said).not.toHaveBeenCalled();
  });

  describe.each<[string, readonly Answer[]]>([
    ['statuses', statuses],
    ['HTTP', http],
    ['messages', messages],
    ['ends', ends],
  ])('an answer that is broken: %s', (_theme, answers) => {
    it.each(answers.map((answer) => [answer.name, answer] as const))('%s', async (_name, answer) => {
      const connections = answer.connection === 'stands' ? [KINDS] : kinds.map((kind) => [kind] as const);
      const outcomes = await Promise.all(connections.map((sharing) => outcomesOf(answer, sharing)));
      expect(outcomes.flat()).toEqual(connections.flat().map((kind) => expected(answer, kind)));
    });
  });
}
