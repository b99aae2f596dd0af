import { expect, it } from '@jest/globals';
import { Outlet } from './outlet.js';

const delivery = (lane: string, bytes: number) => ({
  topic: 'a topic',
  instance: 'an instance',
  lane,
  event: new Uint8Array(bytes),
  call: () => Promise.resolve(),
});
const MIB = 1024 * 1024;

it('keeps at most 4 MiB for an instance, and loses what waits longest first', () => {
  const outlet = new Outlet();
  const waits = (lane: string, bytes: number) => outlet.wait(lane, delivery(lane, bytes)).lost.map((one) => one.lane);
  expect([waits('a', MIB), waits('b', MIB), waits('c', MIB), waits('a', 2 * MIB)]).toEqual([[], [], [], []]);
  expect(waits('d', 1)).toEqual(['a']);
  expect(waits('e', 2 * MIB)).toEqual(['b']);
  outlet.begin(delivery('running', 1));
  expect(outlet.end(delivery('running', 1))).toMatchObject({ lane: 'c' });
  expect(waits('f', MIB)).toEqual([]); // the bytes of c are free
});
