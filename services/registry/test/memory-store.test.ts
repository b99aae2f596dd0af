import { MemoryStore } from '../src/adapters/memory-store/memory-store.js';
import { describeStore } from './store/describe-store.js';

describeStore('the memory store', async (setup) => new MemoryStore(setup));
