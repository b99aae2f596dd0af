import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { plan, portsOf, requireFreePorts } from '../../packages/rondo/src/launch/plan.js';

const DEFAULT_BASE = 50_050;
const VARIABLE = 'RONDO_GATEWAY_LISTEN';
const outside = { port: 8080, offset: 20, variable: VARIABLE };
const gateway = { service: 'gateway', port: 50_071, instances: 1, contracts: ['a.proto'], public: outside };

const publicOf = (portBase: number) => plan([gateway], portBase).map((one) => one.public);

describe('a service with a public port', () => {
  afterEach(() => {
    delete process.env[VARIABLE];
  });

  it('has the port of its manifest with the default base port, and its offset from any other', () => {
    expect(publicOf(DEFAULT_BASE)).toEqual([{ variable: VARIABLE, address: '127.0.0.1:8080', port: 8080 }]);
    expect(publicOf(41_000)).toEqual([{ variable: VARIABLE, address: '127.0.0.1:41020', port: 41_020 }]);
    expect(plan([gateway], 41_000)).toEqual([expect.objectContaining({ name: 'gateway-1', port: 41_021 })]);
  });

  it('listens where its variable says, but with the default base port only', () => {
    process.env[VARIABLE] = '0.0.0.0:8081';
    expect(publicOf(DEFAULT_BASE)).toEqual([{ variable: VARIABLE, address: '0.0.0.0:8081', port: 8081 }]);
    expect(publicOf(41_000)).toEqual([expect.objectContaining({ port: 41_020 })]);
  });

  it('leaves it to the service to refuse an address that is wrong', () => {
    process.env[VARIABLE] = 'nowhere';
    expect(publicOf(DEFAULT_BASE)).toEqual([{ variable: VARIABLE, address: 'nowhere', port: 0 }]);
  });

  it('has it in its first instance; the others take any free port', () => {
    const planned = plan([{ ...gateway, instances: 2 }], 41_000);
    expect(planned.map((one) => one.public?.address)).toEqual(['127.0.0.1:41020', '127.0.0.1:0']);
  });

  it('needs that port to be free and to exist, as its own', () => {
    const planned = plan([gateway], 41_000);
    expect(portsOf(planned)).toEqual([
      { name: 'gateway-1', port: 41_021 },
      { name: `${VARIABLE} of gateway-1`, port: 41_020 },
    ]);
    const farOff = { ...gateway, public: { ...outside, offset: 30_000 } };
    expect(() => plan([farOff], 41_000)).toThrow(
      `--port-base 41000: ${VARIABLE} of gateway-1 would listen at 71000; take another`,
    );
  });
});

it('a public port that is taken is named by its variable', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const planned = plan([{ ...gateway, public: { ...outside, offset: port - 41_000 } }], 41_000);
  const taken = portsOf(planned).filter((one) => one.port === port);
  await expect(requireFreePorts(taken, 'Stop it')).rejects.toThrow(
    `in use already: port ${port} (${VARIABLE} of gateway-1). Stop it`,
  );
  server.close();
});
