import { addressOf, awaitIdle, cordonAll, listInstances, readSnapshot } from '@rondo/operate/internal';
import type { Channel } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { withChannel } from '../channels.js';
import { defineCommand, type Printed, type RunContext } from '../command.js';
import { completeInstances } from '../completion/registered.js';
import { valued } from '../help.js';
import { defaultReason, durationMs, forceOption, jsonOption, reasonOption, registryOption } from '../options.js';
import { onRegistry } from '../registry/locate.js';
import { printable } from '../terminal/text.js';
import { OR_FORCE } from './cordon.js';

export const drain = defineCommand({
  name: 'drain',
  summary: 'Cordons an instance, and waits until it can be stopped without failing a call.',
  details: [
    'It cordons the instance, as rondo cordon does, and waits until the instance has no call in flight and has got no call for',
    'two seconds. Then the instance can be stopped, or killed. It does not wait for response streams without a deadline. If the',
    'instance does not report its load (xds.service.orca.v3.OpenRcaService), it waits ten seconds and says so. In any case the',
    'instance stays cordoned, even if it restarts, until rondo uncordon.',
  ].join('\n'),
  options: {
    timeout: { ...valued('TIME', 'How long to wait for its calls to end.'), default: '30s' },
    ...reasonOption,
    ...forceOption,
    ...registryOption,
    ...jsonOption,
  },
  args: { id: '<instance>' },
  missing: 'name the instance to drain; rondo ps lists them',
  examples: [
    ['drain calculator-2 && docker stop calculator-2', 'Stops the container only if no call is lost.'],
    ['drain calculator-2 --timeout 5m --reason "new disk"', 'With more time, and a reason that others can read.'],
  ],
  complete: completeInstances('registered'),
  exitCodes: {
    OK: 'The instance can be stopped.',
    FAILED: 'Refused, or the instance still has calls or cannot be reached; standard error says which.',
    INTERRUPTED: 'Ctrl-C ended the command; the instance may be cordoned.',
  },
  async run({ id, timeout, reason, force }, context) {
    const { clock, signal, stderr, json } = context;
    const timeoutMs = durationMs(timeout, 'timeout');
    const options = { reason, force, orForce: OR_FORCE, defaultReason: defaultReason(context), signal };
    const drained = await onRegistry(context, async (registry) => {
      const snapshot = await readSnapshot(registry, signal);
      for await (const cordoned of cordonAll(registry, { ids: [id], snapshot }, options)) {
        const why = cordoned.reason === '' ? '' : ` (${printable(cordoned.reason)})`;
        if (!json) await stderr.write(`${id} is cordoned${why}; waiting for its calls to end\n`);
      }
      const instance = snapshot.listing.instances.find(({ instanceId }) => instanceId === id);
      if (instance === undefined) {
        const why = `${id} is cordoned, but not registered: there is no process to wait for`;
        throw new RpcError(Status.NOT_FOUND, `${why}. To put it back: rondo uncordon ${id}`);
      }
      const registered = async (over: AbortSignal) => {
        try {
          const [service = ''] = instance.services;
          const { instances, warming } = await listInstances(registry, { service, signal: over });
          return warming || instances.some(({ instanceId }) => instanceId === id);
        } catch {
          return true; // a registry that can't be reached doesn't prove that the instance has left
        }
      };
      const onLoad = (calls: number) => {
        if (stderr.live) void stderr.write(`${calls} in flight\n`);
      };
      const wait = (channel: Channel) => awaitIdle({ channel, timeoutMs, registered, onLoad, clock, signal });
      try {
        return await withChannel([addressOf(instance)], wait, { clock });
      } catch (error) {
        if (signal.aborted && !json) await stderr.write(`${staysCordoned(id)}\n`);
        throw error;
      }
    });
    return await report({ id, drained, timeout }, context);
  },
});

interface Result {
  readonly id: string;
  readonly drained: Awaited<ReturnType<typeof awaitIdle>>;
  readonly timeout: string;
}

/** @throws RpcError if the instance can't be stopped yet. */
async function report(result: Result, { json, print, stderr }: RunContext): Promise<Printed> {
  const { id, drained } = result;
  const failure = failureOf(result);
  const callsInFlight = 'callsInFlight' in drained ? drained.callsInFlight : drained.kind === 'idle' ? 0 : null;
  const view = { instanceId: id, drained: failure === undefined, outcome: drained.kind, callsInFlight };
  if (failure !== undefined) {
    await print({ json: view, text: '' });
    throw failure;
  }
  if (drained.kind === 'untold' && !json) {
    const waited = `rondo has waited ${drained.waitedMs / 1_000} s instead`;
    await stderr.write(`${id} doesn't report how many calls it has in flight; ${waited}\n`);
  }
  return { json: view, text: `${id} ${drained.kind === 'gone' ? 'has left by itself' : 'can be stopped'}\n` };
}

function failureOf({ id, drained, timeout }: Result): RpcError | undefined {
  const after = `after ${timeout}; ${staysCordoned(id)}`;
  if (drained.kind === 'unreachable') {
    const message = `the calls in flight at ${id} aren't known: it can't be reached (${drained.reason})`;
    return new RpcError(Status.UNAVAILABLE, `${message}, ${after}`);
  }
  if (drained.kind !== 'busy') return undefined;
  const { callsInFlight, callsPerSecond } = drained;
  const rate = callsPerSecond < 10 ? callsPerSecond.toFixed(1) : callsPerSecond.toFixed(0);
  const message =
    callsInFlight > 0
      ? `${id} still has ${callsInFlight} ${callsInFlight === 1 ? 'call' : 'calls'} in flight`
      : `${id} is still called, ${rate} times a second, by a client that doesn't use this registry,`;
  return new RpcError(Status.DEADLINE_EXCEEDED, `${message} ${after}`);
}

const staysCordoned = (id: string): string =>
  `it stays cordoned. To go on waiting: rondo drain ${id}; to put it back: rondo uncordon ${id}`;
