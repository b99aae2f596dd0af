import TestSequencer from '@jest/test-sequencer';

/** What takes a quarter of a minute or more. */
const LONG =
  /(?:registry\/test\/(?:etcd-\w+|simulation\/simulation)|e2e\/(?:clones\/(?:new-service|cookbook|tutorial|foreign|dev)|chaos|upgrade|browser\/browser|restart|journeys|backup))\.test\.ts$/;

/**
 * Begins with the files that take long, where nothing is known of an earlier run, as in a fresh clone: one that came last
 * would have a worker of its own while the others have nothing left to do.
 */
export default class LongFilesFirst extends TestSequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const isUnknownAndLong = ({ path, duration }) => duration == null && LONG.test(path);
    return [...sorted.filter(isUnknownAndLong), ...sorted.filter((test) => !isUnknownAndLong(test))];
  }
}
