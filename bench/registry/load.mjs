import { startChild } from '../process/child.mjs';

/** Starts a process of load. What it is asked, load-main.mjs answers. */
export function startLoad() {
  return startChild(new URL('./load-main.mjs', import.meta.url));
}
