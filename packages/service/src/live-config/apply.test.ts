import { describe, expect, it } from '@jest/globals';
import { LiveSettings } from '@rondo/rpc/internal';
import type { Router } from '@rondo/rpc/server';
import { createState } from '../state.js';
import { applyToAdmission, keepsAnswers, weightOf } from './apply.js';

type AdmissionOptions = Parameters<Router['admission']['update']>[0];

const [CARTS, ORDERS] = ['shop.v1.CartService', 'shop.v1.OrderService'] as const;
const setting = (service: string, key: string, value: string) => ({ service, key, value });

describe('the settings of a server', () => {
  function start(config: { readonly maxCalls?: { readonly server: number } }) {
    const settings = createState(new LiveSettings([]));
    const updates: AdmissionOptions[] = [];
    const admission = { update: (options: AdmissionOptions) => updates.push(options), inspect: () => [] };
    applyToAdmission({ config, settings } as Parameters<typeof applyToAdmission>[0], { services: [ORDERS] }, admission);
    return { settings, updates };
  }

  it('override its environment, and give it back when they are unset', () => {
    const { settings, updates } = start({ maxCalls: { server: 7 } });
    settings.set(new LiveSettings([setting(ORDERS, 'admission', 'off'), setting('*', 'max_calls', '9,caller=2')]));
    settings.set(new LiveSettings([]));
    expect(updates).toEqual([
      { adaptive: false, maxCalls: { server: 9, caller: 2, methods: {} } },
      { adaptive: true, maxCalls: { server: 7 } },
    ]);
  });

  it('are those of its own services', () => {
    const { settings, updates } = start({});
    settings.set(new LiveSettings([setting('shop.v1.CartService', 'admission', 'off')]));
    expect(updates).toEqual([{ adaptive: true, maxCalls: {} }]);
  });
});

describe('a setting changes the weight of the instance that it names', () => {
  const start = (instanceId: string) => {
    const settings = createState(new LiveSettings([]));
    const runtime = { settings, config: { weight: 100 }, instanceId } as Parameters<typeof weightOf>[0];
    return { settings, weight: weightOf(runtime, [CARTS, ORDERS]) };
  };

  it('until it is unset', () => {
    const { settings, weight } = start('orders-1');
    settings.set(new LiveSettings([setting(ORDERS, 'weights', 'orders-1=7&orders-2=9')]));
    expect(weight.current).toBe(7);
    settings.set(new LiveSettings([setting(ORDERS, 'weights', 'orders-2=9')]));
    expect(weight.current).toBe(100);
  });

  it('whichever of its services has it, next to a setting for others', () => {
    const { settings, weight } = start('orders-1');
    const others = setting(CARTS, 'weights', 'carts-1=9');
    settings.set(new LiveSettings([others, setting(ORDERS, 'weights', 'orders-1=7')]));
    expect(weight.current).toBe(7);
  });

  it('by the id that the registry lists, with the name of its certificate', () => {
    const { settings, weight } = start('pod-7f-x2');
    settings.set(new LiveSettings([setting(ORDERS, 'weights', 'pod-7f-x2@ns/orders=7')]));
    expect(weight.current).toBe(7);
  });

  it.each(['constructor', '__proto__', 'toString'])('and no other, also not %s', (instanceId) => {
    const { settings, weight } = start(instanceId);
    settings.set(new LiveSettings([setting(ORDERS, 'weights', 'orders-1=7')]));
    expect(weight.current).toBe(100);
  });
});

it('a setting ends the keeping of answers of one service, or of every service', () => {
  const settings = createState(new LiveSettings([]));
  const keeps = keepsAnswers({ settings });
  expect(keeps(ORDERS)).toBe(true);
  settings.set(new LiveSettings([setting(ORDERS, 'cache', 'off')]));
  expect([keeps(ORDERS), keeps('shop.v1.CartService')]).toEqual([false, true]);
  settings.set(new LiveSettings([setting('*', 'cache', 'off'), setting(ORDERS, 'cache', 'on')]));
  expect([keeps(ORDERS), keeps('shop.v1.CartService')]).toEqual([true, false]);
});
