import {
  type ConformanceServiceDefinition as Conformance,
  ConformanceServiceDefinition,
} from '@rondo/contracts/rondo/conformance/v1/conformance';
import { CallContext, Metadata } from '@rondo/rpc/call';
import { createChannel, staticResolver } from '@rondo/rpc/client';
import { systemClock } from '@rondo/rpc/clock';
import { createForwarder, type Method, methodsOf } from '@rondo/rpc/internal';
import { startTcpProxy } from '@rondo/rpc/internal/testing';
import { createRouter, type Handlers, serve } from '@rondo/rpc/server';
import { standIn } from '@rondo/rpc/testing';
import { type BackendCall, type BackendReply, createBackend } from '../../src/protocols/backend.js';

/** The handlers of a replica that a test needs. */
export type ReplicaHandlers = Partial<Handlers<typeof Conformance>>;

/** A line that the backend logged. */
interface Line {
  readonly level: string;
  readonly fields: object;
}

export const TRACE_ID = 'ab'.repeat(16);

/** A backend over real connections to replicas of the conformance service, each behind a path that the test can cut. */
export async function startReplicas(replicas: readonly ReplicaHandlers[]) {
  const servers = await Promise.all(
    replicas.map((handlers) =>
      serve(createRouter({ services: [standIn(ConformanceServiceDefinition, handlers)] }), { listen: '127.0.0.1:0' }),
    ),
  );
  const paths = await Promise.all(servers.map(({ address }) => startTcpProxy({ target: address })));
  const channel = createChannel({ resolver: staticResolver(paths.map(({ address }) => address)) });
  const lines: Line[] = [];
  const write = (level: string) => (fields: object) => void lines.push({ level, fields });
  const log = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: () => log,
  };
  let known = replicas.length;
  const backend = createBackend({
    forward: createForwarder(channel),
    local: createRouter({ services: [] }),
    instancesOf: () => known,
    isAddress: (text) => paths.some(({ address }) => address === text),
    clock: systemClock,
    log,
  });

  /** Calls the method, named as in code. */
  const call = (name: string, fields: Partial<Omit<BackendCall, 'target'>>): Promise<BackendReply> =>
    backend({
      target: { method: methodNamed(name) },
      metadata: new Metadata({ traceparent: `00-${TRACE_ID}-${'cd'.repeat(8)}-01` }),
      timeoutMs: undefined,
      context: new CallContext(),
      request: { stream: false, message: new Uint8Array() },
      ...fields,
    });

  return {
    call,
    lines,
    paths,
    /** No instance is known any more. */
    forget: () => {
      known = 0;
    },
    async close() {
      channel.close();
      await Promise.all(paths.map((path) => path.close()));
      await Promise.all(servers.map((server) => server.drain(0)));
    },
  };
}

/** A method without the time limit of its contract, which a busy machine may exceed. */
function methodNamed(name: string): Method {
  const found = methodsOf(ConformanceServiceDefinition).get(name);
  if (found === undefined) throw new Error(`no method is named ${name}`);
  return { ...found, policy: { ...found.policy, timeoutMs: found.policy.timeoutMs && 600_000 } };
}
