import { defineCommand } from '../command.js';
import { valued } from '../help.js';

export const join = defineCommand({
  name: 'join',
  args: { program: '[program argument] …' },
  summary: 'Keeps a server in any language registered as long as it answers, and starts it.',
  details: [
    "The server needs nothing of Rondo's. Each second it is asked for its health (grpc.health.v1), or only has to answer if it",
    'has no such service. Three failures in a row take it out of use, two successes put it in. At SIGTERM it gets no more calls,',
    'then the signal, and the exit code is its own. A program finds the port in PORT: with HOST:0 it is any free one.',
    'RONDO_REGISTRY, RONDO_INSTANCE_ID, RONDO_ZONE, RONDO_VERSION, RONDO_WEIGHT, RONDO_METADATA, RONDO_TLS and RONDO_TLS_DIR',
    'say the rest, as for services.',
  ].join('\n'),
  options: {
    service: {
      ...valued('NAME', 'A service that it serves, by its full name; may be given several times.'),
      multiple: true,
    },
    address: valued('HOST:PORT', 'Where clients reach it.'),
  },
  examples: [
    ['join --service helloworld.Greeter --address 127.0.0.1:50070', 'A server that runs.'],
    ['join --service helloworld.Greeter --address 127.0.0.1:0 -- python3 server.py', 'One that is started with it.'],
  ],
  exitCodes: { OK: 'The server has ended with 0, or goes on without being registered.' },
  async run() {
    await import('@rondo/service/join-main');
    return await new Promise<never>(() => undefined);
  },
});
