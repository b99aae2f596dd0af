/** How the calls that a service makes are shared out, as its environment says, and what its metrics tell of that. */
import { afterEach, expect, it } from '@jest/globals';
import { CalculatorDefinition } from '@rondo/contracts/calculator/calculator';
import { createClient } from '@rondo/rpc/client';
import { type ServiceContext, startService } from '../src/index.js';
import { createCalculators } from './calculators.js';

const calculators = createCalculators();

afterEach(() => calculators.stop());

it('calls are shared out as RONDO_BALANCING says, and metrics tell what each instance gets', async () => {
  const callee = await calculators.start();
  const folder = await calculators.known(callee.service.address);
  const { service, channel } = await calculators.start({
    environment: {
      RONDO_BALANCING: 'calculator.Calculator=least_request',
      RONDO_METRICS: '127.0.0.1:0',
      RONDO_REGISTRY_CACHE: folder,
    },
  });
  const calculator = createClient(CalculatorDefinition, { channel });
  for (let left = 3; left > 0; left -= 1) await calculator.add({ a: 2n, b: 3n });
  expect(channel.inspect()[0]?.balancing).toMatchObject({ policy: 'least_request', origin: 'configuration' });
  const text = await (await fetch(`http://${service.metricsAddress}/metrics`)).text();
  const labels = '{grpc_target="calculator.Calculator",rondo_instance="one"}';
  const lines = [`rondo_balancer_picks_total${labels} 3`, `rondo_balancer_weight_ratio${labels} 1`];
  expect(text.split('\n')).toEqual(expect.arrayContaining(lines));
});

it('a service does not start where RONDO_BALANCING gives one that it calls a policy that does not suit its contract', async () => {
  const environment = { RONDO_LISTEN: '127.0.0.1:0', RONDO_LOG_LEVEL: 'error', RONDO_BALANCING: '*=ring_hash' };
  const createApp = ({ channel }: ServiceContext) => {
    createClient(CalculatorDefinition, { channel });
    return { services: [] };
  };
  const starting = startService({ name: 'caller', port: 0, register: false, environment, createApp });
  const fault =
    /^RONDO_BALANCING: calculator\.Calculator can't be balanced so: ring_hash .*, or choose another policy$/;
  const faults = [expect.stringMatching(fault)];
  await expect(starting).rejects.toMatchObject({ name: 'ConfigurationError', faults });
});

it('a service does not start where RONDO_BALANCING can not be understood: it lists every fault', async () => {
  const environment = { RONDO_BALANCING: 'calculator.Calculator=least,*=random?subset=0' };
  await expect(calculators.start({ environment })).rejects.toThrow(
    /RONDO_BALANCING=.* is wrong: calculator\.Calculator: there is no policy "least".*; \*: subset=0 is not from 1/,
  );
});
