import { afterEach, describe, expect, it } from '@jest/globals';
import { CallContext } from '@rondo/rpc/call';
import { RpcError, Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { until } from '../../../packages/rpc/test/support/wait.js';
import type { BackendReply } from '../src/protocols/backend.js';
import { type ReplicaHandlers, startReplicas, TRACE_ID } from './support/replicas.js';

let open: Awaited<ReturnType<typeof startReplicas>> | undefined;
afterEach(() => open?.close());

async function replicas(...handlers: readonly ReplicaHandlers[]) {
  open = await startReplicas(handlers);
  return open;
}

function many({ response }: BackendReply): AsyncIterable<Uint8Array> {
  if (!response.stream) throw new Error('it is one message');
  return response.messages;
}

describe('the end of a call', () => {
  it('by its caller reaches the server of a stream that is not being read', async () => {
    let left = false;
    const { call } = await replicas({
      async *serverStream() {
        try {
          for (;;) yield { payload: Buffer.alloc(32 * 1024) };
        } finally {
          left = true;
        }
      },
    });
    const context = new CallContext();
    await call('serverStream', { context });
    context.end(new RpcError(Status.CANCELLED, 'the client went away'));
    await until(() => left);
  });

  it('by a deadline that no server answers has a fixed text; the log has what the call was waiting for', async () => {
    const { call, lines, paths } = await replicas({ unaryUnsafe: () => ({}) });
    await call('unaryUnsafe', {});
    paths[0]?.stall();
    const error = await failureOf(call('unaryUnsafe', { timeoutMs: 50 }));
    const message = `the call took longer than it may (trace ${TRACE_ID})`;
    expect(error).toMatchObject({ code: Status.DEADLINE_EXCEEDED, message });
    expect(JSON.stringify(lines, reports)).toContain(paths[0]?.address);
  });
});

describe('a replica that is killed', () => {
  /** Two replicas of which the first to be called holds the call, until its path is cut. */
  async function held() {
    const begun: string[] = [];
    const begin = async (name: string) => {
      begun.push(name);
      if (begun.length === 1) await new Promise(() => undefined);
    };
    const replica = (name: string): ReplicaHandlers => ({
      async unary() {
        await begin(name);
        return { text: name };
      },
      async unaryUnsafe() {
        await begin(name);
        return {};
      },
    });
    const [one, other] = [replica('one'), replica('other')];
    const made = await replicas(one, other);
    const kill = async () => {
      await until(() => begun.length === 1);
      made.paths[begun[0] === 'one' ? 0 : 1]?.cut();
    };
    return { ...made, begun, kill };
  }

  it('in a call that must not be repeated fails it, without its address; the log has that', async () => {
    const { call, begun, kill, lines, paths } = await held();
    const failing = failureOf(call('unaryUnsafe', {}));
    await kill();
    const error = await failing;
    const message = `rondo.conformance.v1.ConformanceService can't be reached now; call again soon (trace ${TRACE_ID})`;
    expect(error).toMatchObject({ code: Status.UNAVAILABLE, message });
    expect(begun).toHaveLength(1);
    const [line] = lines;
    expect(line).toMatchObject({ level: 'warn', fields: { trace: TRACE_ID } });
    expect(paths.some(({ address }) => JSON.stringify(line?.fields, reports).includes(address))).toBe(true);
  });

  it('in the middle of a stream breaks it with a public error', async () => {
    const { call, paths, lines } = await replicas({
      async *serverStream() {
        yield { index: 0 };
        await new Promise(() => undefined);
      },
    });
    const messages = many(await call('serverStream', {}))[Symbol.asyncIterator]();
    await messages.next();
    paths[0]?.cut();
    const error = await failureOf(messages.next());
    expect(error).toMatchObject({ code: Status.UNAVAILABLE, message: expect.stringContaining("can't be reached now") });
    expect(lines).toHaveLength(1);
  });

  it('and is the last one known: the error says that no instance is running', async () => {
    const { call, paths, forget } = await replicas({});
    await paths[0]?.close();
    forget();
    const message = 'no instance of rondo.conformance.v1.ConformanceService is running';
    expect(await failureOf(call('unaryUnsafe', {}))).toMatchObject({ code: Status.UNAVAILABLE, message });
  });
});

/** JSON of errors, with what they report. */
function reports(_key: string, value: unknown): unknown {
  return value instanceof RpcError ? { message: value.message, report: value.report } : value;
}

it("a server's own text keeps what resembles an address, and names no instance's", async () => {
  let inside = '';
  const { call, paths } = await replicas({
    unary: () => Promise.reject(new RpcError(Status.NOT_FOUND, `there is no user:12345 at ${inside}`)),
  });
  inside = paths[0]?.address ?? '';
  expect(await failureOf(call('unary', {}))).toMatchObject({ message: 'there is no user:12345 at …' });
});
