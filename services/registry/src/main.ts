#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';
import { runService } from '@rondo/service';
import { registry } from './index.js';

// Node's HTTP/2 keeps what a renewal allocates alive until a full garbage collection. By default V8 collects when the
// heap is four times the live data. When it collects at twice the live data, peak memory is a third lower, for more
// frequent collections (docs/reference/performance.md). NODE_OPTIONS doesn't accept this flag, so it is set here,
// however the registry is started: V8 reads it again after each collection. A Node that doesn't know the flag prints a
// warning and goes on; test/registry.test.ts detects that first.
setFlagsFromString('--heap-growing-percent=100');

await runService(registry);
