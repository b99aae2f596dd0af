import { afterEach, describe, expect, it } from '@jest/globals';
import { CallStatsServiceDefinition } from '@rondo/contracts/rondo/stats/v1/stats';
import { yieldToEventLoop } from '@rondo/rpc/clock';
import { createRouter, type Handlers, implement, serve } from '@rondo/rpc/server';
import { ManualClock } from '@rondo/rpc/testing';
import { createSampler, type Sampled } from '../src/top/sampler.js';
import { instanceAt } from './instance.js';
import { startMute } from './mute-server.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serveStats(getCallStats: Handlers<typeof CallStatsServiceDefinition>['getCallStats']) {
  const service = implement(CallStatsServiceDefinition, { getCallStats });
  const server = await serve(createRouter({ services: [service], admission: { adaptive: false } }), {
    listen: '127.0.0.1:0',
  });
  closers.push(() => server.drain(0));
  return server;
}

/** Starts a server that counts its questions, and answers with ever more calls; `restart` begins anew. */
async function startCounted(name: string) {
  let startTime = new Date(0);
  let begun = 0n;
  let asked = 0;
  const server = await serveStats(() => {
    asked += 1;
    begun += 10n;
    const methods = [{ service: 's.v1.S', method: 'M', begun }];
    return { instanceId: name, startTime, uptime: { seconds: begun, nanos: 0 }, methods };
  });
  return {
    instance: instanceAt(server.address, name, ['s.v1.S']),
    asked: () => asked,
    restart: () => {
      startTime = new Date(startTime.getTime() + 1);
      begun = 0n;
    },
  };
}

/** The address of a server that sends nothing. */
async function muteAddress(): Promise<string> {
  const { address, close } = await startMute();
  closers.push(close);
  return address;
}

function start(concurrency?: number) {
  const clock = new ManualClock();
  const samples: Sampled[] = [];
  const { signal } = new AbortController();
  const sampler = createSampler({ clock, signal, concurrency, onSample: (sampled) => samples.push(sampled) });
  closers.push(() => sampler.close());
  const until = async (holds: () => boolean) => {
    while (!holds()) await yieldToEventLoop();
  };
  const stateOf = (id: string) => sampler.read().find(({ instance }) => instance.instanceId === id);
  return { clock, sampler, samples, until, stateOf };
}

describe('a sampler', () => {
  it('has the figures of others while an instance is silent, for a second', async () => {
    const { clock, sampler, samples, until, stateOf } = start();
    const { instance } = await startCounted('a');
    sampler.follow([instanceAt(await muteAddress(), 'mute', ['s.v1.S']), instance]);
    const first = sampler.ask();
    await until(() => stateOf('a')?.reason === 'it has answered only once');
    const second = sampler.ask();
    await until(() => stateOf('a')?.state === 'counted');
    expect(stateOf('mute')).toMatchObject({ state: 'waiting', reason: 'it has not answered yet' });
    expect(samples).toMatchObject([{ instance: { instanceId: 'a' }, flows: [{ calls: 10 }] }]);
    await clock.advance(1_000);
    await Promise.all([first, second]);
    expect(stateOf('mute')).toMatchObject({ state: 'unreachable' });
  });

  it('asks so many at once, those first that have answered before', async () => {
    const { clock, sampler, samples, until, stateOf } = start(4);
    const { address: mute } = await serveStats(() => new Promise(() => {}));
    const silent = Array.from({ length: 4 }, (_, at) => instanceAt(mute, `mute-${at}`, ['s.v1.S']));
    const { instance, asked } = await startCounted('a');
    sampler.follow([...silent, instance]);
    const first = sampler.ask();
    // None of the silent ones gives its permit back before its second is over.
    for (let turn = 0; turn < 100; turn += 1) await yieldToEventLoop();
    expect(asked()).toBe(0);
    await clock.advance(1_000);
    await until(() => asked() === 1);
    await first;
    void sampler.ask();
    await until(() => stateOf('a')?.state === 'counted');
    expect(stateOf('mute-0')?.state).toBe('unreachable');
    expect(samples[0]?.instance.instanceId).toBe('a');
  });

  it('gives no figures across a restart, and the right ones after it', async () => {
    const { sampler, stateOf } = start();
    const { instance, restart } = await startCounted('a');
    sampler.follow([instance]);
    await sampler.ask();
    await sampler.ask();
    expect(stateOf('a')?.flows).toMatchObject([{ calls: 10 }]);
    restart();
    await sampler.ask();
    expect(stateOf('a')).toMatchObject({ state: 'waiting', reason: 'its process has restarted', flows: [] });
    await sampler.ask();
    expect(stateOf('a')?.flows).toMatchObject([{ calls: 10, seconds: 10 }]);
  });

  it('forgets instances that it no longer follows, and follows one to its new address', async () => {
    const { sampler, samples, stateOf } = start();
    const a = await startCounted('a');
    const b = await startCounted('b');
    sampler.follow([a.instance, b.instance]);
    await sampler.ask();
    sampler.follow([b.instance]);
    await sampler.ask();
    expect([stateOf('a'), a.asked(), b.asked()]).toEqual([undefined, 1, 2]);
    expect(samples.map(({ instance }) => instance.instanceId)).toEqual(['b']);
    const moved = await startCounted('b');
    sampler.follow([moved.instance]);
    await sampler.ask();
    expect(stateOf('b')?.reason).toBe('it has answered only once');
    expect([b.asked(), moved.asked()]).toEqual([2, 1]);
  });
});
