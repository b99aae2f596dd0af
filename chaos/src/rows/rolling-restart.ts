import { readFileSync } from 'node:fs';
import path from 'node:path';
import { REPLICAS, type Row } from '../row.js';
import { LEDGER } from '../scene/scene.js';
import { now } from '../time.js';

/** Every replica is replaced, one after the other. */
export const rollingRestart: Row = {
  name: 'rolling-restart',
  fault: 'rolling restart of all three, methods that are safe to repeat and one that is not',
  bound: '0 failed; nothing carried out twice',
  control: 'SIGKILL in place of the drain',
  short: true,
  async run({ scene, verdict, control, safe: options }) {
    await scene.startRegistry();
    const replicas = await Promise.all(REPLICAS.map((id) => scene.startReplica(id, { counting: true })));
    const safe = scene.startLoad(options);
    const unsafe = scene.startLoad({ ...options, method: 'create', callsPerSecond: options.callsPerSecond / 2 });
    const untilServed = (ids: readonly string[]) => {
      const since = now();
      return Promise.all([safe, unsafe].map((load) => load.untilServed(ids, since)));
    };
    await untilServed(REPLICAS);
    for (const replica of replicas) {
      await replica.end(control ? 'SIGKILL' : 'SIGTERM');
      await scene.startReplica(replica.id, { counting: true });
      await untilServed([replica.id]);
    }
    verdict.noFailures(await safe.stop(), 'safe');
    verdict.noFailures(await unsafe.stop(), 'unsafe');
    const carriedOut = readFileSync(path.join(scene.folder, LEDGER), 'utf8').trim().split('\n');
    const twice = carriedOut.length - new Set(carriedOut).size;
    verdict.check(`${twice} carried out twice`, twice === 0);
  },
};
