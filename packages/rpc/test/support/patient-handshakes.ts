import http2 from 'node:http2';
import { jest } from '@jest/globals';
import { HANG_MS } from './wait.js';

/** Lets the handshakes of servers that are made from now on take as long as they like, and calls `onBegin` at each. */
export function allowLongHandshakes(onBegin: () => void = () => undefined): void {
  const create = http2.createSecureServer;
  jest.spyOn(http2, 'createSecureServer').mockImplementation((options: object = {}) => {
    return create({ ...options, handshakeTimeout: HANG_MS }).on('connection', onBegin);
  });
}
