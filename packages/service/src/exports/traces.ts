/** What processes tell of traces, joined: for those who ask several of them, also in a browser. */

export {
  addPart,
  describeSpan,
  joined,
  type KnownParts,
  type KnownTrace,
  newestFirst,
  slowestFirst,
  type ToldSpan,
} from '../tracing/told-traces.js';
export { type TraceNode, treeOf, walk } from '../tracing/trace-tree.js';
