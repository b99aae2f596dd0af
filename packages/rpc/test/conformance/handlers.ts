import { millisecondsUntil } from '@rondo/base';
import type { Duration } from '@rondo/contracts/google/protobuf/duration';
import { ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import { type Behaviour, ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import type { ServerCall } from '../../src/exports/call.js';
import { sleep, systemClock } from '../../src/exports/clock.js';
import type { Handlers } from '../../src/exports/server.js';
import { packDetail, RpcError, statusFromCode } from '../../src/exports/status.js';

const { unimplemented: _later, ...methods } = ConformanceServiceDefinition.methods;

/** The contract before `Unimplemented` was added to it: what the server under test serves. */
export const servedDefinition = { ...ConformanceServiceDefinition, methods };
export type ServedDefinition = typeof servedDefinition;

/** Handlers that behave as their requests say. */
export const conformance: Handlers<ServedDefinition> = {
  async unary({ payload, text, behaviour }, call) {
    const remaining = remainingOf(call);
    await behave(behaviour, call);
    return { payload, text, ...(remaining && { remaining }) };
  },
  async unaryUnsafe({ behaviour }, call) {
    await behave(behaviour, call);
    return {};
  },
  async clientStream(requests, call) {
    const texts: string[] = [];
    for await (const { text, behaviour } of requests) {
      await behave(behaviour, call);
      texts.push(text);
    }
    return { texts };
  },
  async *serverStream({ count, payloadBytes, behaviour }, call) {
    for (let index = 0; index < count; index += 1) yield { index, payload: Buffer.alloc(payloadBytes) };
    await behave(behaviour, call);
  },
  async *follow({ count, resumeToken, breakAfter, behaviour }, call) {
    const from = Number(resumeToken);
    const until = breakAfter === 0 ? count : Math.min(count, from + breakAfter);
    for (let index = from; index < until; index += 1) yield { index, resumeToken: `${index + 1}` };
    if (until < count) await behave(behaviour, call);
  },
  async *bidiStream(requests, call) {
    for await (const { text, behaviour } of requests) {
      await behave(behaviour, call);
      yield { text };
    }
  },
};

/** The time left until a call's deadline, in milliseconds; undefined if it has none. */
export function remainingMs(call: ServerCall): number | undefined {
  return call.deadline === undefined ? undefined : millisecondsUntil(call.deadline);
}

function remainingOf(call: ServerCall): Duration | undefined {
  const ms = remainingMs(call);
  return ms === undefined
    ? undefined
    : { seconds: BigInt(Math.floor(ms / 1000)), nanos: Math.floor((ms % 1000) * 1e6) };
}

async function behave(behaviour: Behaviour | undefined, { signal }: ServerCall): Promise<void> {
  if (behaviour === undefined) return;
  const { code, message, delay, errorReason, throwUnknown } = behaviour;
  if (delay !== undefined) await sleep(systemClock, Number(delay.seconds) * 1000 + delay.nanos / 1e6, signal);
  if (throwUnknown) throw new Error(message);
  const details = errorReason === '' ? [] : [packDetail(ErrorInfo, { reason: errorReason, domain: 'rondo.test' })];
  if (code !== 0) throw new RpcError(statusFromCode(code), message, { details });
}
