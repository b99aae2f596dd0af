export { balancing as policies } from '../../../../plugins/balancing/src/exports/index.js';
export { scatterStream } from '../../../../plugins/balancing/src/exports/scatter.js';
