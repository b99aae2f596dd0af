/** Rolling restarts over a few runs; `runs-deploys.long` has 200. */
import { testDeploys } from './runs-deploys.js';

testDeploys(6);
