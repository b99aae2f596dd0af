/** A priority queue of tasks that can be worked on, the oldest first: a binary heap of their indexes. */
export interface TaskQueue {
  /** The oldest task; undefined if the queue is empty. */
  peek(): number | undefined;
  push(task: number): void;
  /** Removes the oldest task. */
  pop(): void;
}

/** An empty queue. */
export function createTaskQueue(): TaskQueue {
  const heap: number[] = [];
  return {
    peek: () => heap[0],
    push(task) {
      heap.push(task);
      rise(heap);
    },
    pop() {
      const last = heap.pop();
      if (last === undefined || heap.length === 0) return;
      heap[0] = last;
      sink(heap);
    },
  };
}

function rise(heap: number[]): void {
  let at = heap.length - 1;
  while (at > 0) {
    const above = (at - 1) >> 1;
    if (!swapIfLess(heap, at, above)) return;
    at = above;
  }
}

function sink(heap: number[]): void {
  for (let at = 0; ; ) {
    const left = 2 * at + 1;
    const least = (heap[left + 1] ?? Number.POSITIVE_INFINITY) < (heap[left] ?? 0) ? left + 1 : left;
    if (!swapIfLess(heap, least, at)) return;
    at = least;
  }
}

/** Swaps two entries of the heap if the task at `below` is the older one. Returns whether it did. */
function swapIfLess(heap: number[], below: number, above: number): boolean {
  const [lower, upper] = [heap[below], heap[above]];
  if (lower === undefined || upper === undefined || lower >= upper) return false;
  heap[above] = lower;
  heap[below] = upper;
  return true;
}
