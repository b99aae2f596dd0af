export { gather, type KnownSaga, type Unfinished } from './gather.js';
export { withPeers } from './peers.js';
export { findUnfinished, type Resolved, resolveTransaction, type Wanted } from './resolve.js';
export { formatUnfinished, viewUnfinished } from './view.js';
