/** Rolling restarts over 200 runs. */
import { testDeploys } from './runs-deploys.js';

testDeploys(200);
