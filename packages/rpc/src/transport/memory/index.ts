export { createMemoryNetwork, type MemoryListener, type MemoryNetwork } from './network.js';
