import { afterAll } from '@jest/globals';
import { collector } from './collector.js';
import { system } from './system.js';
import { describeTrace } from './trace.js';

// The system has stopped by then: it is imported before.
afterAll(() => collector.close());

describeTrace('through the tunnel', {}, () => ({ system, collector }));
