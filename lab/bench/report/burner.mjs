// A worker that uses a share of a processor.
import { answerParent } from '@rondo/harness';

const TURN_MS = 10;

answerParent({
  begin({ share }) {
    setInterval(() => {
      const until = performance.now() + share * TURN_MS;
      while (performance.now() < until);
    }, TURN_MS);
  },
});
