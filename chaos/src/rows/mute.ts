import { startTcpProxy } from '@rondo/rpc/testing';
import { type Row, SAFE, startThree } from '../row.js';
import { pass } from '../time.js';

/** A replica whose port accepts connections, and that never says a word. */
export const mute: Row = {
  name: 'mute',
  fault: 'a replica that accepts TCP and never speaks',
  bound: '0 failed, of a client that is there and of one that comes',
  control: 'the client calls whom it is not connected to, and connects without a timeout',
  without: 'connect-timeout',
  async run(stage) {
    const { scene, verdict, without } = stage;
    const { registry, third, load } = await startThree(stage);
    const proxy = await startTcpProxy({ target: third.address, stallAfterMs: 0 });
    scene.onClose(() => proxy.close());
    await registry.register('mute', proxy.address);
    await pass(stage.lasts(6_000, 3_000));
    const late = scene.startLoad({ ...SAFE, ...(without && { without }) });
    await pass(stage.lasts(8_000, 4_000));
    verdict.note(`${proxy.connections} connections to it`);
    verdict.noFailures(await load.stop());
    verdict.noFailures(await late.stop(), 'of the late client');
  },
};
