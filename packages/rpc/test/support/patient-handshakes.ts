import tls from 'node:tls';
import { jest } from '@jest/globals';
import { HANG_MS } from './wait.js';

/** Lets the handshakes of servers that are made from now on take as long as they like, and calls `onBegin` at each. */
export function allowLongHandshakes(onBegin: () => void = () => undefined): void {
  const create = tls.createServer;
  jest.spyOn(tls, 'createServer').mockImplementation((options: object = {}) => {
    return create({ ...options, handshakeTimeout: HANG_MS }).on('connection', onBegin);
  });
}
