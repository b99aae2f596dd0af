// The servers of identity.mjs, as a worker.
import { SecuredServiceDefinition } from '@rondo/contracts/rondo/conformance/auth/v1/secured';
import { answerParent } from '@rondo/harness';
import { systemClock, systemWallClock } from '@rondo/rpc/clock';
import { createAuthorize, endExpiredStreams, verifyPrincipals } from '@rondo/rpc/internal';
import { createRouter, serve } from '@rondo/rpc/server';
import { standIn } from '@rondo/rpc/testing';
import { mutualTlsIn } from './process.mjs';

answerParent({
  /** Serves twice, with mutual TLS alone and with all that `RONDO_AUTH=on` adds; gives the ports. */
  async serve(folder) {
    const mutualTls = mutualTlsIn(folder);
    const services = [standIn(SecuredServiceDefinition, { read: () => ({ subject: 'ada' }) })];
    const clocks = { clock: systemClock, wallClock: systemWallClock };
    const audience = mutualTls.identity.current.id.uri;
    const secured = [verifyPrincipals({ audience, ...clocks }), createAuthorize({}), endExpiredStreams(clocks)];
    const portOf = async (middleware) => {
      // Only `Read` is called, which needs no outcomes.
      const router = createRouter({ services, outcomes: {}, middleware });
      return (await serve(router, { listen: '127.0.0.1:0', mutualTls, tunnel: true })).port;
    };
    return { alone: await portOf([]), secured: await portOf(secured) };
  },
  /** The processor time so far, in microseconds. */
  cpu() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
});
