import { describeLatencyLimit } from '../../../test/admission/latency-limit.js';

describeLatencyLimit([2, 3, 4, 5, 6]);
