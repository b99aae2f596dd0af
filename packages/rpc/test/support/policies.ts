export { balancing as policies } from '../../../../plugins/balancing/src/exports/index.js';
