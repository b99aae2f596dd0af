/** What explains the answers of instances, also in a browser's page: it loads nothing of Node. */

export {
  addPart,
  describeSpan,
  joined,
  type KnownParts,
  type KnownTrace,
  newestFirst,
  type ReportedSpan,
  slowestFirst,
} from '../reported-traces.js';
export { type TraceNode, treeOf, walk } from '../trace-tree.js';
export { whyOthers } from '../why.js';
