// Rondo as a service starts: `startService` with its whole default chain. It doesn't register, and its log goes to /dev/null.
import { startService } from '@rondo/service';
import pino from 'pino';
import { conformance } from './service.mjs';

export async function serve() {
  const { address } = await startService({
    name: 'peers',
    register: false,
    environment: { RONDO_LISTEN: '127.0.0.1:0' },
    log: pino(pino.destination('/dev/null')),
    createApp: () => ({ services: [conformance] }),
  });
  return address;
}
