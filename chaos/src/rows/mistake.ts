import { type Row, SAFE, startThree } from '../row.js';
import { triesOf } from '../scene/load.js';
import { freePort } from '../scene/ports.js';
import { type Stranger, startHttp1, startHttp2 } from '../scene/strangers.js';
import { now, pass } from '../time.js';

/** What was registered as a calculator and is none. */
export const mistake: Row = {
  name: 'mistake',
  fault: 'an endpoint registered by mistake: nothing there, another service, HTTP/1, HTTP/2 without gRPC',
  bound: '0 failed',
  control: 'the client does not look at its connections, and tries nothing elsewhere',
  without: 'elsewhere',
  async run(stage) {
    const { scene, verdict, without } = stage;
    const { registry, load } = await startThree(stage);
    const strangers: readonly (readonly [string, Stranger | { readonly address: string }])[] = [
      ['nothing', { address: `127.0.0.1:${await freePort()}` }],
      // It speaks gRPC, and doesn't know the service.
      ['registry', registry],
      ['http1', await startHttp1()],
      ['http2', await startHttp2()],
    ];
    for (const [kind, stranger] of strangers) {
      if ('close' in stranger && stranger !== registry) scene.onClose(() => stranger.close());
      const since = now();
      await registry.register(kind, stranger.address);
      await pass(stage.lasts(6_000, 2_000));
      const calls = load.calls.filter(({ at }) => at >= since);
      const tries = triesOf(calls).filter(({ address }) => address === stranger.address);
      verdict.noFailures(calls, `with ${kind} (tried ${tries.length} times)`);
    }
    const late = scene.startLoad({ ...SAFE, ...(without && { without }) });
    await pass(stage.lasts(6_000, 3_000));
    verdict.noFailures(await load.stop(), 'in all');
    verdict.noFailures(await late.stop(), 'of a client that comes late');
  },
};
