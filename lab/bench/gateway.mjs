import { compareCalls, compareJson } from './gateway/parts.mjs';
import { startSystem } from './gateway/system.mjs';

const PARTS = { calls: compareCalls, json: compareJson };

/** What the gateway costs: see gateway/parts.mjs. */
export const benchmark = {
  name: 'gateway',
  summary: 'what the gateway costs a call, compared with plain grpc-js and Fastify',
  needs: 'Linux',
  options: {
    part: { type: 'text', value: 'NAME', help: `only one of ${Object.keys(PARTS).join(', ')}` },
    rounds: { type: 'count', default: 9, help: 'how often each system has its turn' },
    seconds: { type: 'count', default: 2, help: 'how long a turn takes' },
  },
  check: ({ part }) => (part === undefined || part in PARTS ? undefined : `there is no part "${part}"`),
  async run({ part, ...options }, setting) {
    const system = await startSystem(setting);
    let holds = true;
    for (const name of part ? [part] : Object.keys(PARTS))
      holds = (await PARTS[name](system, options, setting)) && holds;
    return holds;
  },
};
