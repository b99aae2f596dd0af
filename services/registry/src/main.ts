import { setFlagsFromString } from 'node:v8';
import { runService } from '@rondo/service';
import { registry } from './index.js';

// What a renewal leaves behind stays until a full collection, as Node's HTTP/2 holds on to it. By default V8 waits until
// the heap is four times what lives; where it waits for twice, memory peaks a third lower, for more frequent collections
// (docs/reference/registry-size.md). NODE_OPTIONS doesn't take it, so it is set here, however the registry is started: V8
// looks at it anew after each collection. Where it is unknown V8 says so and goes on; test/heap.test.ts finds that first.
setFlagsFromString('--heap-growing-percent=100');

await runService(registry);
