/** The one system of what operators do: `operating.ci.test.ts` imports the parts in the order in which they may change it. */
import { afterAll, beforeAll } from '@jest/globals';
import { type System, startSystem } from '@rondo/harness';

export const MARK = 'marked-secret-41';
/** A label isn't secret: it shows that the searches find what is there. */
export const LABEL = 'seen-label-42';
export const REDIS = `redis://rondo:${MARK}@127.0.0.1:1`;
/** So long that the path of a socket in it is too long. */
const LONG = `rondo-e2e-${'long'.repeat(25)}-`;

export let system: System;

beforeAll(async () => {
  const env = {
    RONDO_CACHE: REDIS,
    RONDO_LOG_LEVEL: 'trace',
    RONDO_METADATA: `label=${LABEL}`,
    RONDO_METRICS: '127.0.0.1:9464',
    // What a shell may have for other programs.
    PGSSLMODE: 'require',
    PGOPTIONS: '-c search_path=absent',
    NODE_PG_FORCE_NATIVE: '1',
    RONDO_TLS: 'on',
    RONDO_TLS_DIR: '/absent',
  };
  system = await startSystem({ prefix: LONG, restarts: true, metrics: true, env });
});

/** The last part stops it. */
afterAll(() => system.remove());
