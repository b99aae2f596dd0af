/** Imported before the system, whose processes then send their spans here. */
import { beforeAll } from '@jest/globals';
import { startCollector } from '../../../plugins/telemetry/test/collector.js';
import { tracingTo } from './trace.js';

export let collector: Awaited<ReturnType<typeof startCollector>>;

beforeAll(async () => {
  collector = await startCollector();
  Object.assign(process.env, tracingTo(collector));
});
