import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { ADDER } from './attack-setup.js';
import { type Attacker, type Attempt, ELSEWHERE, ownInstance } from './attacker.js';

type Request = Parameters<Attacker['register']>[0];

const SHORT = { seconds: 3n };

function registering(name: string, part: Partial<Instance>, request: Request = {}): Attempt {
  return {
    name: `registers an instance ${name}`,
    ends: 'INVALID_ARGUMENT',
    run: async (attacker) => (await attacker.register({ instance: ownInstance(part), ttl: SHORT, ...request })).code,
  };
}

const at = (address: string) => ({ endpoints: [{ ...ELSEWHERE, address }] });
const labels = (count: number, size: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v'.repeat(size)]));

/** Malformed registrations, as far as bad-requests.test.ts doesn't have them, of the attacker's own instances, to harm watchers and readers of logs and terminals. */
export const malformedAttempts: readonly Attempt[] = [
  registering('whose address clears a terminal', at('\u001b[2J:80')),
  registering('whose address has a null byte', at('a\0b:80')),
  registering('whose address is a line of a log', at('a:80\n{"level":"error","msg":"forged"}')),
  registering('with 5,000 endpoints', { endpoints: Array(5_000).fill(ELSEWHERE) }),
  registering('that serves 5,000 services', { services: Array.from({ length: 5_000 }, (_, i) => `a.B${i}`) }),
  registering('with every mistake, many times over', {
    services: Array.from({ length: 64 }, () => '\u001b'.repeat(300)),
    metadata: labels(500, 5_000),
    fingerprints: labels(500, 500),
  }),
  registering('with labels of a mebibyte', { metadata: labels(32, 32_768) }),
  registering('for ever', {}, { ttl: { seconds: 2n ** 63n - 1n, nanos: 2 ** 31 - 1 } }),
  { ...registering('with a label __proto__', { metadata: Object.fromEntries([['__proto__', 'x']]) }), ends: 'OK' },
  { ...registering('of the service __proto__', { services: ['__proto__', 'constructor', 'toString'] }), ends: 'OK' },
  {
    ...registering('of the attacked service, where no process listens', { services: [ADDER] }),
    ends: 'OK',
  },
  {
    name: 'registers an instance of the attacked service at the address of the victim',
    ends: 'OK',
    async run(attacker) {
      const { endpoints, services } = await attacker.victim();
      return (await attacker.register({ instance: ownInstance({ endpoints, services }), ttl: SHORT })).code;
    },
  },
];
