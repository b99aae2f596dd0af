import path from 'node:path';
import { renewAll } from '@rondo/certificates';
import { SecuredServiceDefinition } from '@rondo/contracts/rondo/conformance/auth/v1/secured';
import { startWorker } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { mutualTlsIn, SERVER } from './identity/process.mjs';
import { median, show } from './report/figures.mjs';

const TURN_CALLS = { 1: 4_000, 64: 25_600 };
/** The most processor time of a call, against one with mutual TLS alone. */
const MOST = 1.1;
const ADA = {
  subject: 'ada',
  issuer: 'https://login.example.com',
  scopes: ['secured.read', 'secured.write'],
  actors: [],
};

/**
 * What it costs a call over a tunnel that it carries a principal, signed by the client's process and verified by the server, which
 * also checks the rule of the method: the processor time of both ends, against the same call with mutual TLS alone. The two
 * take turns in one run; the ratio of each pair of turns counts.
 */
export const benchmark = {
  name: 'identity',
  summary: 'what a verified principal and the rule of its method cost a call, against mutual TLS alone',
  options: {
    rounds: { type: 'count', default: 15, help: 'how often each of the two has its turn' },
  },
  async run({ rounds }, { folder, onClose }) {
    await renewAll([SERVER, 'client'], { folder, trustDomain: 'rondo.bench', now: new Date() });
    const server = startWorker(new URL('./identity/server.mjs', import.meta.url));
    onClose(() => server.close());
    const ports = await server.ask('serve', path.join(folder, SERVER));
    const mutualTls = mutualTlsIn(path.join(folder, 'client'));
    const clientOf = (port) => {
      const channel = createChannel({ resolver: staticResolver([`127.0.0.1:${port}`], { tunnel: true }), mutualTls });
      onClose(() => channel.close());
      return createClient(SecuredServiceDefinition, { channel });
    };
    const [alone, secured] = [clientOf(ports.alone), clientOf(ports.secured)];
    const calls = { alone: () => alone.read({}), secured: () => secured.read({}, { principal: ADA }) };
    let holds = true;
    for (const lanes of [1, 64]) {
      for (const call of Object.values(calls)) await turn(call, lanes, server);
      const ratios = [];
      const [plain, signed] = [[], []];
      for (let round = 1; round <= rounds; round += 1) {
        plain.push(await turn(calls.alone, lanes, server));
        signed.push(await turn(calls.secured, lanes, server));
        ratios.push(signed.at(-1) / plain.at(-1));
      }
      const [least, most] = [Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(2));
      show(
        `${lanes} at a time: ${median(plain).toFixed(1)} µs of CPU with mutual TLS alone, ${median(signed).toFixed(1)} with a principal; ratio ${median(ratios).toFixed(3)}, from ${least} to ${most}`,
      );
      holds &&= median(ratios) <= MOST;
    }
    show(`${holds ? 'at most' : 'NOT at most'} ${MOST} everywhere`);
    return holds;
  },
};

/** Microseconds of processor time a call, over both ends. */
async function turn(call, lanes, server) {
  const calls = TURN_CALLS[lanes];
  const before = { own: process.cpuUsage(), server: await server.ask('cpu') };
  const lane = async () => {
    for (let made = 0; made < calls / lanes; made += 1) {
      if ((await call()).subject !== 'ada') throw new Error('the reply is another one');
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const { user, system } = process.cpuUsage(before.own);
  return (user + system + (await server.ask('cpu')) - before.server) / calls;
}
