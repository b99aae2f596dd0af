import { mkdirSync, writeFileSync } from 'node:fs';
import { draw, PICTURES } from './balancing/pictures.mjs';
import { createTestbed } from './balancing/testbed.mjs';
import { show } from './report/figures.mjs';

const FOLDER = new URL('../../docs/guides/balancing/', import.meta.url);

/**
 * What each policy does to slow, failing and new replicas, over real processes: a registry, replicas that become slow, fail or
 * die on command, and a client that calls at a rate, whether or not earlier calls were answered (an open loop). What must hold is tested
 * in `plugins/balancing` and in `packages/rpc/src/channel`.
 */
export const benchmark = {
  name: 'balancing',
  summary: 'draws docs/guides/balancing: shares and p99 of each policy while a replica is slow, fails or comes',
  options: { part: { type: 'text', value: 'NAME,…', help: `only these of ${Object.keys(PICTURES).join(', ')}` } },
  check({ part }) {
    const unknown = part?.split(',').find((name) => !Object.hasOwn(PICTURES, name));
    return unknown && `--part ${unknown}: there are ${Object.keys(PICTURES).join(', ')}`;
  },
  async run({ part }, setting) {
    mkdirSync(FOLDER, { recursive: true });
    const wanted = Object.keys(PICTURES).filter((name) => part === undefined || part.split(',').includes(name));
    for (const name of wanted) {
      const testbed = await createTestbed(setting);
      try {
        writeFileSync(new URL(`${name}.svg`, FOLDER), await draw(testbed, PICTURES[name]));
      } finally {
        await testbed.close();
      }
      show(`docs/guides/balancing/${name}.svg`);
    }
  },
};
