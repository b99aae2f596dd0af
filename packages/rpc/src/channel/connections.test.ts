import { describe, expect, it } from '@jest/globals';
import { endpoint } from '../../test/support/endpoints.js';
import { emptyReply, fakeTransports } from '../../test/support/fake-transport.js';
import { failure } from '../../test/support/outcome.js';
import { wireCall } from '../../test/support/wire-call.js';
import { Status } from '../status/code.js';
import type { ServedBy } from '../tls/served-by.js';
import type { Transport } from '../transport/transport.js';
import { Connections } from './connections.js';

const wire = wireCall();
const SERVICE = 'sales.v1.OrderService';

/** The connections of a channel, and how often one was made. */
function make(servedBy?: ServedBy) {
  const { factory, at } = fakeTransports({ byHand: true });
  const made: string[] = [];
  const connections = new Connections((address, options) => {
    made.push(address);
    return factory(address, options);
  }, servedBy);
  return { connections, made, at };
}

/** Notes the states that a user of a connection hears of. */
function statesOf(transport: Transport): readonly string[] {
  const states: string[] = [];
  transport.subscribe((state) => states.push(state));
  return states;
}

describe('the connection to an instance', () => {
  it('is made for the first service that connects, and used by the others', async () => {
    const { connections, made, at } = make();
    const [first, second] = [connections.to(endpoint('a'), SERVICE), connections.to(endpoint('a'), SERVICE)];
    expect([first.state, made]).toEqual(['idle', []]);
    await first.connect();
    at('a:1').move('ready');
    expect(second.state).toBe('idle');
    const heard = statesOf(second);
    await second.connect();
    expect([heard, second.state, made]).toEqual([['ready'], 'ready', ['a:1']]);
    expect(await second.call(wire)).toBe(emptyReply);
  });

  it('breaks for all who use it', async () => {
    const { connections, at } = make();
    const users = [
      connections.to(endpoint('a'), SERVICE),
      connections.to(endpoint('a'), SERVICE),
      connections.to(endpoint('a'), SERVICE),
    ];
    const heard = users.map(statesOf);
    for (const user of users.slice(0, 2)) await user.connect();
    at('a:1').move('ready');
    at('a:1').move('transient_failure', 'refused');
    const states = ['connecting', 'ready', 'transient_failure'];
    expect(heard).toEqual([states, states, []]);
    expect(users.map(({ lastError }) => lastError)).toEqual(['refused', 'refused', undefined]);
    expect(await failure(users[2]?.connect() ?? Promise.resolve())).toMatchObject({ message: 'refused' });
    expect(heard[2]).toEqual(['transient_failure']);
  });

  it('stays for the others when one closes it, and closes with the last', async () => {
    const { connections, made, at } = make();
    const [first, second] = [connections.to(endpoint('a'), SERVICE), connections.to(endpoint('a'), SERVICE)];
    await Promise.all([first.connect(), second.connect()]);
    const connection = at('a:1');
    connection.move('ready');
    const heard = statesOf(first);
    first.close();
    first.close();
    expect([heard, first.state, connection.closed]).toEqual([['shutdown'], 'shutdown', false]);
    const unsent = { code: Status.UNAVAILABLE, message: 'the connection was closed', reach: 'unsent' };
    expect(await failure(first.call(wire))).toMatchObject(unsent);
    expect(await failure(first.connect())).toMatchObject(unsent);
    expect(await second.call(wire)).toBe(emptyReply);
    second.close();
    expect(connection.closed).toBe(true);
    await connections.to(endpoint('a'), SERVICE).connect();
    expect(made).toEqual(['a:1', 'a:1']);
  });

  it('is never made for a service that does not connect', () => {
    const { connections, made } = make();
    const unused = connections.to(endpoint('a'), SERVICE);
    unused.resetBackoff?.();
    unused.close();
    expect(made).toEqual([]);
  });

  it('is its own: another instance at the same address has another, and so has one at another address', async () => {
    const { connections, made } = make();
    const places = [endpoint('a'), endpoint('b', { address: 'a:1' }), endpoint('a', { address: 'a:2' })];
    for (const place of places) await connections.to(place, SERVICE).connect();
    expect(made).toEqual(['a:1', 'a:1', 'a:2']);
  });

  it('is shared by services of one process only', async () => {
    const { connections, made } = make((service) => [service.split('.')[0] ?? '']);
    const services = ['sales.v1.OrderService', 'sales.v1.QuoteService', 'projects.v1.TaskService'];
    for (const service of services) void connections.to(endpoint('a'), service).connect();
    expect(made).toEqual(['a:1', 'a:1']);
  });
});
