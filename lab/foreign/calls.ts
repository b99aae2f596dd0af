import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import type { MessageType } from '@rondo/rpc/internal';
import { RpcError } from '@rondo/rpc/status';
import { patientClock } from '../../packages/rpc/test/support/patient-clock.js';
import type { ReflectedMethod } from './reflect.js';

/** How a call ended. */
export interface Answer {
  /** gRPC's number; 0 is OK. */
  readonly code: number;
  readonly message: string;
}

const TIMEOUT_MS = 60_000;

/** An empty message of any type has no bytes. */
const anyMessage: MessageType<Uint8Array> = {
  encode: (message) => ({ finish: () => message }),
  decode: (bytes) => bytes,
  fromPartial: () => new Uint8Array(),
};

/** Calls each method once with one empty message. */
export async function answersOf(
  address: string,
  methods: readonly ReflectedMethod[],
): Promise<ReadonlyMap<ReflectedMethod, Answer>> {
  const channel = createChannel({ resolver: staticResolver([address]), clock: patientClock });
  try {
    const answers = new Map<ReflectedMethod, Answer>();
    for (const method of methods) {
      const client = createClient(define(method), { channel });
      answers.set(method, await endOf(client.call(oneEmpty(), { timeoutMs: TIMEOUT_MS })));
    }
    return answers;
  } finally {
    channel.close();
  }
}

/** On the wire every kind of call is a stream in each direction, so one client calls them all. */
function define({ service, name }: ReflectedMethod) {
  const types = { requestType: anyMessage, responseType: anyMessage };
  const call = { name, ...types, requestStream: true, responseStream: true, options: {} } as const;
  return { name: service, fullName: service, methods: { call } };
}

async function* oneEmpty() {
  yield new Uint8Array();
}

async function endOf(replies: AsyncIterable<unknown>): Promise<Answer> {
  try {
    for await (const _ of replies);
    return { code: 0, message: '' };
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  }
}
