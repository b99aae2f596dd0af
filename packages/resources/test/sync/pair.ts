/** A fixture of a test file, and in each of its tests two replicas and a topic of their own. */
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import { type Replica, type SyncFixture, startFixture } from './fixture.js';

export let fixture: SyncFixture;
export let topic: string;
export let one: Replica;
export let two: Replica;

beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.stop());

beforeEach(() => {
  ({ topic, one, two } = fixture.openPair());
});
afterEach(() => Promise.all([one.close(), two.close()]));
